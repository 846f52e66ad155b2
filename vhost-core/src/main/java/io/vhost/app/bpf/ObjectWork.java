package io.vhost.app.bpf;

import io.vhost.app.cli.Background;
import io.vhost.app.cli.EndSignal;
import io.vhost.bpf.BpfException;
import io.vhost.bpf.insn.ProgramException;
import io.vhost.bpf.map.MapException;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;

/** Work on an object file, which its user may break off, and what is said when it fails. */
final class ObjectWork {
    private ObjectWork() {
    }

    /**
     * Does the work on a thread of its own: a FIFO may never have a writer, and opening it cannot be broken
     * off.
     *
     * @param object to blame if it cannot be loaded
     * @param input  to blame if the work does not end
     * @return the exit status: 0 it is done, 1 it failed or was broken off
     */
    static int run(Path object, Path input, EndSignal end, PrintWriter err, Callable<Void> work)
            throws Exception {
        CompletableFuture<Void> running = Background.start("vhost-bpf", work);
        if (!end.await(running, Long.MAX_VALUE)) {
            err.println(input + ": not read to its end: interrupted");
            return 1;
        }
        try {
            Background.result(running);
            return 0;
        } catch (BpfException | ProgramException | MapException | UsageException e) {
            err.println(object + ": " + e.getMessage());
        } catch (NoSuchFileException e) {
            err.println(e.getFile() + ": no such file");
        } catch (IOException e) {
            err.println(e.getMessage());
        }
        return 1;
    }
}
