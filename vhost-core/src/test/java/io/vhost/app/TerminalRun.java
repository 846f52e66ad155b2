package io.vhost.app;

import io.vhost.peer.MainProcess;
import io.vhost.peer.Peers;
import io.vhost.peer.Program;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;

/**
 * The command line on a pseudo-terminal of its own, as in a user's hands: keys go in, and after its end the
 * terminal tells whether it is as it was. Thread: one.
 */
public final class TerminalRun implements AutoCloseable {
    private final Program program;
    private final Path pid;

    private TerminalRun(Program program, Path pid) {
        this.program = program;
        this.pid = pid;
    }

    /**
     * Starts {@code vhost}.
     *
     * @param directory for files of this run
     * @param type of the terminal, as TERM says
     * @param columns of it; 0: a terminal whose size nobody has set
     * @param words of the command line
     */
    public static TerminalRun start(Path directory, String type, int columns, String... words)
            throws IOException {
        Peers.require("socat", "bash");
        Path pid = directory.resolve("pid");
        Path script = Files.writeString(directory.resolve("run"), """
                #!/bin/bash
                export TERM=%s
                stty columns %d rows %d
                before=$(stty -a)
                bash -c 'echo $$ > %s.new; mv %s.new %s; exec "$@"' bash \\
                    %s --enable-native-access=ALL-UNNAMED -cp %s io.vhost.app.Main %s
                echo "status=$?."
                test "$before" = "$(stty -a)" && echo "as before" || stty -a
                echo "end"
                """.formatted(type, columns, columns == 0 ? 0 : 10, pid, pid, pid,
                Path.of(System.getProperty("java.home"), "bin", "java"),
                MainProcess.classPath(),
                String.join(" ", words)));
        Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwx------"));
        return new TerminalRun(
                Program.start(List.of("socat", "-", "EXEC:" + script + ",pty,setsid,ctty,stderr")), pid);
    }

    /** Waits until this text is shown after what was awaited last; what came in between. */
    public String await(String text) {
        return program.await(text);
    }

    /** Presses keys, and Return. */
    public void type(String keys) {
        program.send(keys);
    }

    /** Sends the program, and nobody else on the terminal, a signal. */
    public void signal(String name) throws IOException {
        Program.signal(name, pid());
    }

    /** The program's process id; to be asked for once it has shown something. */
    public long pid() throws IOException {
        return Long.parseLong(Files.readString(pid).strip());
    }

    /** All that was shown, once the program has ended with this status and the terminal was looked at. */
    public String end(int status) {
        program.await("status=" + status + ".");
        program.await("end");
        return program.output();
    }

    /** Takes the terminal away. */
    @Override
    public void close() {
        program.close();
    }
}
