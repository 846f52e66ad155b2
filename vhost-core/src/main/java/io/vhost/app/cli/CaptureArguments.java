package io.vhost.app.cli;

import io.vhost.app.polling.PortPrograms;
import io.vhost.capture.Capture;
import io.vhost.capture.CaptureOptions;
import io.vhost.capture.CaptureRegistry;
import io.vhost.capture.CaptureState;
import io.vhost.capture.QueueCapture;
import io.vhost.capture.command.CaptureCommands;
import io.vhost.capture.command.CaptureFilter;
import io.vhost.device.ProgramChain;
import io.vhost.monitor.command.Command;
import io.vhost.program.ProgramOptions;
import io.vhost.program.ProgramRefusedException;
import java.io.IOException;
import java.io.PrintWriter;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Captures of packets: options of several commands. Thread: one; ports come and go on any. */
public final class CaptureArguments implements PortPrograms.Keeper, AutoCloseable {
    private static final Pattern PLACE = Pattern.compile("(\\d{1,9})(/in|/out|/both)?=(.+)");
    private static final int MIB = 20;

    @Option(names = "--capture", paramLabel = "PORT[/out|/both]=FILE",
            description = "Record the packets that come from a port, or with /out go to it, to a pcapng file"
                    + " or a named pipe. Any number; places with the same FILE are recorded together.")
    private List<String> captures = List.of();

    @Option(names = "--capture-snaplen", paramLabel = "BYTES",
            description = "Keep the first bytes of each packet only; all by default.")
    private int snapLength = CaptureOptions.SNAP_LENGTH;

    @Option(names = "--capture-file-size", paramLabel = "MIB",
            description = "Begin another file, with a number in its name, before one is larger than this.")
    private int fileSize;

    @Option(names = "--capture-files", paramLabel = "N",
            description = "Keep the last N of those files; all by default.")
    private int files;

    @Option(names = "--capture-filter", paramLabel = "OBJ[:SECTION]",
            description = "Record those packets only that an XDP program lets pass; it does not decide what"
                    + " becomes of them.")
    private String filter;

    @Option(names = "--capture-passed",
            description = "Record what programs let pass, as they leave it, not what comes before them.")
    private boolean passed;

    @Option(names = "--capture-buffer", paramLabel = "MIB",
            description = "What can wait to be written, 1 to 1024, of each capture; 16 by default.")
    private int buffer = CaptureOptions.BUFFER >> MIB;

    @Spec(Spec.Target.MIXEE)
    private CommandSpec spec;

    private final CaptureRegistry registry = new CaptureRegistry();
    private final List<Placed> placed = new ArrayList<>();

    /** A capture, and what it is to record. */
    private record Placed(int port, String direction, Capture capture) {
        private boolean isOf(ProgramChain chain) {
            return chain.place().port() == port + 1 && (direction.equals("/both")
                    || direction.equals("/out") == chain.place().isToGuest());
        }
    }

    /** What a monitor can do with captures. */
    public List<Command> commands() {
        return CaptureCommands.of(registry, common(), ProgramOptions.defaults());
    }

    private CaptureOptions common() {
        if (buffer < 1 || buffer > CaptureOptions.MOST_BUFFER >> MIB) {
            throw fault("--capture-buffer must be 1 to " + (CaptureOptions.MOST_BUFFER >> MIB), null);
        }
        if (snapLength < 1 || snapLength > CaptureOptions.SNAP_LENGTH) {
            throw fault("--capture-snaplen must be 1 to " + CaptureOptions.SNAP_LENGTH, null);
        }
        return CaptureOptions.defaults().snapLength(snapLength).buffer(buffer << MIB);
    }

    private CaptureOptions options() throws IOException {
        CaptureOptions options = passed ? common().passed() : common();
        if (files != 0 && fileSize == 0) {
            throw fault("--capture-files is for a --capture-file-size", null);
        }
        if (fileSize < 0 || files < 0) {
            throw fault("--capture-file-size and --capture-files must not be negative", null);
        }
        if (fileSize > 0) {
            options = options.files((long) fileSize << MIB, files);
        }
        if (filter == null) {
            return options;
        }
        try {
            String file = ProgramArguments.file(filter);
            return CaptureFilter.add(options, Path.of(file),
                    filter.substring(Math.min(filter.length(), file.length() + 1)),
                    ProgramOptions.defaults());
        } catch (IllegalArgumentException e) {
            throw fault("--capture-filter " + filter + ": " + e.getMessage(), e);
        } catch (ProgramRefusedException e) {
            throw new IOException(e.getMessage(), e);
        }
    }

    /**
     * Opens the files. Then ports are recorded as they come.
     *
     * @param ports of the command line, counted from 0
     * @return this, to be closed when the ports are
     * @throws IOException if a file cannot be had; the text names it
     */
    public CaptureArguments open(int ports) throws IOException {
        boolean complete = false;
        try {
            CaptureOptions options = options();
            Map<Path, Capture> opened = new LinkedHashMap<>();
            for (String capture : captures) {
                open(capture, ports, options, opened);
            }
            complete = true;
            return this;
        } finally {
            if (!complete) {
                close();
            }
        }
    }

    private void open(String text, int ports, CaptureOptions options, Map<Path, Capture> opened)
            throws IOException {
        Matcher parts = PLACE.matcher(text);
        if (!parts.matches()) {
            throw fault("--capture " + text + ": write PORT=FILE, PORT/out=FILE or PORT/both=FILE", null);
        }
        int port = Integer.parseInt(parts.group(1));
        if (port >= ports) {
            throw fault("--capture " + text + ": there is no port " + port + "; they are counted from 0,"
                    + " and there are " + ports, null);
        }
        try {
            Path file = Path.of(parts.group(3));
            Path same = file.toAbsolutePath().normalize();
            Capture capture = opened.get(same);
            if (capture == null) {
                capture = registry.start(file, options, List.of());
                opened.put(same, capture);
            }
            String direction = parts.group(2) == null ? "/in" : parts.group(2);
            placed.add(new Placed(port, direction, capture));
        } catch (IllegalArgumentException e) {
            throw fault("--capture " + text + ": " + e.getMessage(), e);
        }
    }

    @Override
    public void added(PortPrograms port) {
        for (ProgramChain chain : port.chains()) {
            registry.add(chain);
            placed.stream().filter(one -> one.isOf(chain)).forEach(one -> add(one.capture(), chain));
        }
    }

    /** A disk that is full by now is no reason not to have the port. */
    private static void add(Capture capture, ProgramChain chain) {
        try {
            capture.add(chain);
        } catch (IllegalArgumentException | IllegalStateException e) {
            System.getLogger(CaptureArguments.class.getPackageName()).log(Level.WARNING,
                    () -> chain.place() + " is not recorded: " + e.getMessage());
        }
    }

    @Override
    public void removed(PortPrograms port) {
        port.chains().forEach(registry::remove);
    }

    private ParameterException fault(String text, Exception cause) {
        return new ParameterException(spec.commandLine(), text, cause);
    }

    /** Ends all captures. */
    @Override
    public void close() {
        registry.close();
    }

    /** What was recorded; nothing if nothing was to be. */
    public void totals(PrintWriter out) {
        if (registry.captures().isEmpty()) {
            return;
        }
        out.printf("%n%-24s%14s%14s%14s%14s%n", "capture", "packets", "accepted", "dropped", "written");
        for (Capture capture : registry.captures()) {
            out.println(capture.file() + (capture.state() == CaptureState.FAILED
                    ? ": failed: " + capture.failure().orElse("") : ""));
            for (QueueCapture queue : capture.counters()) {
                out.printf(Locale.ROOT, "  %-22s%14d%14d%14d%14d%n", "port " + (queue.place().port() - 1)
                        + (queue.place().isToGuest() ? " out" : " in") + " queue " + queue.pair(),
                        queue.seen(), queue.accepted(), queue.dropped(), queue.written());
            }
        }
        out.flush();
    }
}
