package io.vhost.capture.command;

import io.vhost.capture.CaptureOptions;
import io.vhost.program.ProgramObject;
import io.vhost.program.ProgramOptions;
import io.vhost.program.ProgramRefusedException;
import io.vhost.program.QueueProgram;
import java.io.IOException;
import java.nio.file.Path;

/** eBPF programs that say which packets are recorded. Thread: stateless. */
public final class CaptureFilter {
    private CaptureFilter() {}

    /**
     * {@return options with a filter}
     *
     * @param options the others
     * @param object file of an eBPF object
     * @param section the program's section or name; empty: the only one
     * @param loading with which the object is loaded
     * @throws IOException if the file cannot be read
     * @throws ProgramRefusedException if the program is refused
     * @throws IllegalArgumentException if there is no such program, or it may change packets
     */
    public static CaptureOptions add(
            CaptureOptions options, Path object, String section, ProgramOptions loading)
            throws IOException, ProgramRefusedException {
        QueueProgram program = ProgramObject.load(object, loading).program(section);
        if (program.mayChangePackets()) {
            throw new IllegalArgumentException("program " + program.name() + " may change packets, and a"
                    + " filter only looks at them; leave out what stores into packets, tail calls and helpers"
                    + " that move their ends");
        }
        return options.filter(program, object.getFileName() + ":" + program.name());
    }
}
