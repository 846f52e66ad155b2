package io.vhost.app.top;

import java.io.IOError;
import java.io.IOException;
import java.util.Optional;
import org.jline.terminal.Size;
import org.jline.terminal.Terminal;
import org.jline.terminal.impl.PosixSysTerminal;
import org.jline.terminal.impl.exec.ExecPty;
import org.jline.terminal.impl.exec.ExecTerminalProvider;
import org.jline.terminal.spi.Pty;
import org.jline.terminal.spi.SystemStream;
import org.jline.utils.InfoCmp;
import org.jline.utils.InfoCmp.Capability;
import org.jline.utils.ShutdownHooks;

/**
 * The terminal that this process has. It is set up by programs of the system ({@code tty}, {@code stty},
 * {@code infocmp}) and not by native code, for which users would have to give the JVM one more permission.
 *
 * <p>Thread: one.
 */
final class SystemTerminal extends PosixSysTerminal {
    private static final String DUMB = "dumb";

    private SystemTerminal(String type, Pty pty) throws IOException {
        super("vhost top", type, pty, System.out.charset(), false, Terminal.SignalHandler.SIG_DFL);
        // A signal asks the command to end, which then gives the terminal back. A hook that closes it at the
        // same time would take it away from the command, and leave the screen to neither.
        ShutdownHooks.remove(closer);
    }

    /**
     * Opens it, if it can be written all over.
     *
     * @return empty if there is none, or it can only print lines and says so
     * @throws IOException if it should be able to, but cannot: why, and what to do about it
     */
    static Optional<Terminal> open() throws IOException {
        String type = System.getenv("TERM");
        if (type == null || type.isEmpty() || type.equals(DUMB)) {
            return Optional.empty();
        }
        Pty pty;
        try {
            pty = ExecPty.current(new ExecTerminalProvider(), SystemStream.Output);
        } catch (IOException _) {
            return Optional.empty();
        }
        requireKnown(type);
        try {
            return Optional.of(usable(new SystemTerminal(type, pty)));
        } catch (IOError e) {
            throw new IOException("the terminal cannot be set up: " + e.getCause().getMessage(), e);
        }
    }

    /** Without this the library would tell of an unknown type at length, and take it for another. */
    private static void requireKnown(String type) throws IOException {
        try {
            if (InfoCmp.getInfoCmp(type) != null) {
                return;
            }
        } catch (IOException _) {
            throw unknown(type);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
        throw unknown(type);
    }

    private static IOException unknown(String type) {
        return new IOException("the terminal type \"" + type + "\" is unknown here: set TERM to another,"
                + " such as xterm");
    }

    private static Terminal usable(SystemTerminal terminal) throws IOException {
        Size size = terminal.getSize();
        boolean sized = size.getColumns() > 0 && size.getRows() > 0;
        boolean placing = terminal.getStringCapability(Capability.cursor_address) != null
                && terminal.getStringCapability(Capability.clear_screen) != null;
        if (sized && placing) {
            return terminal;
        }
        terminal.close();
        throw new IOException(sized
                ? "the terminal type \"" + terminal.getType() + "\" cannot place its cursor"
                : "the terminal has " + size.getColumns() + " columns and " + size.getRows()
                        + " rows: set them, as with stty columns 80 rows 24");
    }
}
