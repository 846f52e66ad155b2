package io.vhost.capture.command;

import io.vhost.capture.CaptureOptions;
import io.vhost.capture.CaptureRegistry;
import io.vhost.device.ProgramChain;
import io.vhost.monitor.command.Arguments;
import io.vhost.monitor.command.Command;
import io.vhost.monitor.command.CommandException;
import io.vhost.monitor.command.Type;
import io.vhost.program.ProgramOptions;
import io.vhost.program.ProgramRefusedException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Commands that start captures, stop and show them; those that change anything have to be switched on as all
 * of them have. Give them to {@link io.vhost.monitor.MonitorConfig.Builder#command}. Ports are counted from
 * 0, as people do.
 *
 * <p>Who may start a capture may write to each file that this process can write to: a file that exists is
 * refused, a pipe is not.
 *
 * <p>Threads: the monitor's.
 */
public final class CaptureCommands {
    private static final Type DIRECTION = Type.enumeration("in", "out", "both");
    private static final String DIRECTION_NAME = "direction";
    private static final String FILE = "file";
    private static final String SNAPLEN = "snaplen";
    private static final String FILTER = "filter";
    private static final String FILTER_SECTION = "filter-section";
    private static final String FILE_SIZE = "file-size";
    private static final String FILES = "files";
    private static final int MAX_PATH = 4096;

    private final CaptureRegistry registry;
    private final CaptureOptions defaults;
    private final ProgramOptions loading;

    private CaptureCommands(CaptureRegistry registry, CaptureOptions defaults, ProgramOptions loading) {
        this.registry = registry;
        this.defaults = defaults;
        this.loading = loading;
    }

    /**
     * {@return the commands}
     *
     * @param registry the places and captures
     * @param defaults what a client does not say
     * @param loading with which filters are loaded that a client names
     */
    public static List<Command> of(
            CaptureRegistry registry, CaptureOptions defaults, ProgramOptions loading) {
        CaptureCommands commands = new CaptureCommands(registry, defaults.newFile(), loading);
        return List.of(
                CaptureQuery.create(registry),
                Command.named("x-capture-start").help("record packets of a port to a new file or a pipe")
                        .argument("port", Type.UINT32).argument(FILE, Type.STRING)
                        .optional(DIRECTION_NAME, DIRECTION).optional(SNAPLEN, Type.UINT32)
                        .optional(FILTER, Type.STRING).optional(FILTER_SECTION, Type.STRING)
                        .optional("passed", Type.BOOLEAN)
                        .optional(FILE_SIZE, Type.UINT64).optional(FILES, Type.UINT32)
                        .mutating().runs(commands::start),
                Command.named("x-capture-stop").help("end a capture").argument(FILE, Type.STRING)
                        .mutating().runs(commands::stop));
    }

    private Object start(Arguments arguments) throws CommandException {
        String direction = arguments.has(DIRECTION_NAME) ? arguments.text(DIRECTION_NAME) : "in";
        try {
            List<ProgramChain> places = registry.chains(arguments.integer("port") + 1,
                    !direction.equals("out"), !direction.equals("in"));
            registry.start(path(arguments.text(FILE)), options(arguments), places);
            return null;
        } catch (IllegalArgumentException | IllegalStateException | IOException | ProgramRefusedException e) {
            throw new CommandException(String.valueOf(e.getMessage()));
        }
    }

    private CaptureOptions options(Arguments arguments) throws IOException, ProgramRefusedException {
        CaptureOptions options = defaults;
        if (arguments.has(SNAPLEN)) {
            options = options.snapLength((int) Math.min(arguments.integer(SNAPLEN), Integer.MAX_VALUE));
        }
        if (arguments.flag("passed")) {
            options = options.passed();
        }
        if (arguments.has(FILES) && !arguments.has(FILE_SIZE)) {
            throw new IllegalArgumentException(FILES + " need a " + FILE_SIZE);
        }
        if (arguments.has(FILTER_SECTION) && !arguments.has(FILTER)) {
            throw new IllegalArgumentException("a " + FILTER_SECTION + " needs a " + FILTER);
        }
        if (arguments.has(FILE_SIZE)) {
            long size = arguments.integer(FILE_SIZE);
            long files = arguments.has(FILES) ? arguments.integer(FILES) : 0;
            options = options.files(size < 0 ? Long.MAX_VALUE : size,
                    (int) Math.min(files, Integer.MAX_VALUE));
        }
        if (arguments.has(FILTER)) {
            Path object = path(arguments.text(FILTER));
            // A pipe or a device may keep a reader waiting for ever.
            if (!Files.isRegularFile(object)) {
                throw new IllegalArgumentException(object + " is no file");
            }
            String section = arguments.has(FILTER_SECTION) ? arguments.text(FILTER_SECTION) : "";
            return CaptureFilter.add(options, object, section, loading);
        }
        return options;
    }

    private static Path path(String text) {
        boolean shows = text.codePoints().noneMatch(c -> Character.isISOControl(c)
                || Character.getType(c) == Character.LINE_SEPARATOR
                || Character.getType(c) == Character.PARAGRAPH_SEPARATOR);
        if (text.isBlank() || text.length() > MAX_PATH || !shows) {
            throw new IllegalArgumentException("a path has 1 to " + MAX_PATH + " characters, in one line");
        }
        return Path.of(text);
    }

    private Object stop(Arguments arguments) throws CommandException {
        try {
            registry.stop(path(arguments.text(FILE)));
            return null;
        } catch (IllegalArgumentException e) {
            throw new CommandException(String.valueOf(e.getMessage()));
        }
    }
}
