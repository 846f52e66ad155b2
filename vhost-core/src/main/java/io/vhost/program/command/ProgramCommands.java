package io.vhost.program.command;

import io.vhost.device.PacketProgram;
import io.vhost.device.ProgramChain;
import io.vhost.device.ProgramLink;
import io.vhost.device.Verdict;
import io.vhost.monitor.command.Arguments;
import io.vhost.monitor.command.Command;
import io.vhost.monitor.command.CommandException;
import io.vhost.monitor.command.Type;
import io.vhost.program.ProgramObject;
import io.vhost.program.ProgramOptions;
import io.vhost.program.ProgramRegistry;
import io.vhost.program.QueueProgram;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;

/**
 * Commands that attach programs, replace and detach them; those that change anything have to be switched on
 * as all of them have. Give them to {@link io.vhost.monitor.MonitorConfig.Builder#command}.
 *
 * <p>Threads: the monitor's.
 */
public final class ProgramCommands {
    private static final Type DIRECTION = Type.enumeration("in", "out");
    private static final String LINK = "program";
    private static final int MAX_NAME = 128;

    private final ProgramRegistry registry;
    private final ProgramOptions options;

    private ProgramCommands(ProgramRegistry registry, ProgramOptions options) {
        this.registry = registry;
        this.options = options;
    }

    /**
     * {@return the commands}
     *
     * @param registry the places and objects
     * @param options with which objects are loaded that a client names
     */
    public static List<Command> of(ProgramRegistry registry, ProgramOptions options) {
        ProgramCommands commands = new ProgramCommands(registry, options);
        return List.of(
                ProgramQuery.create(registry),
                MapCommands.dump(registry), MapCommands.update(registry), MapCommands.delete(registry),
                Command.named("x-bpf-attach").help("attach a program of an object to a port")
                        .argument("port", Type.UINT32).argument("file", Type.STRING)
                        .optional("section", Type.STRING).optional("direction", DIRECTION)
                        .optional("name", Type.STRING).optional("priority", Type.INT)
                        .mutating().runs(commands::attach),
                Command.named("x-bpf-replace").help("let another program work in the place of one")
                        .argument(LINK, Type.STRING).argument("file", Type.STRING)
                        .optional("section", Type.STRING).optional("keep-maps", Type.BOOLEAN)
                        .mutating().runs(commands::replace),
                Command.named("x-bpf-detach").help("take a program away").argument(LINK, Type.STRING)
                        .mutating().runs(commands::detach),
                Command.named("x-bpf-timing").help("measure how long a program takes, or cease to")
                        .argument(LINK, Type.STRING).argument("on", Type.BOOLEAN)
                        .mutating().runs(commands::timing));
    }

    private Object attach(Arguments arguments) throws CommandException {
        long port = arguments.integer("port");
        boolean out = "out".equals(arguments.text("direction"));
        long priority = arguments.has("priority") ? arguments.integer("priority")
                : ProgramChain.DEFAULT_PRIORITY;
        if (priority != (int) priority) {
            throw new CommandException("priority " + priority + " is out of range");
        }
        return Refusals.refusing(() -> {
            ProgramChain chain = registry.chain((int) Math.min(port, Integer.MAX_VALUE), out);
            Path file = file(arguments);
            ProgramObject object = ProgramObject.load(file, options);
            QueueProgram program = object.program(section(arguments));
            String name = name(arguments.has("name") ? arguments.text("name") : program.name());
            chain.attach(name, program, (int) priority, EnumSet.of(Verdict.PASS));
            registry.add(String.valueOf(file.getFileName()), object);
        });
    }

    private Object replace(Arguments arguments) throws CommandException {
        return Refusals.refusing(() -> {
            ProgramLink link = registry.link(arguments.text(LINK));
            Path file = file(arguments);
            ProgramObject object = arguments.flag("keep-maps")
                    ? registry.object(link).successor(file, options) : ProgramObject.load(file, options);
            PacketProgram program = object.program(section(arguments));
            link.replace(program);
            registry.forgetUnused();
            registry.add(String.valueOf(file.getFileName()), object);
        });
    }

    /** A pipe or a device may keep a reader waiting for ever. */
    private static Path file(Arguments arguments) throws NoSuchFileException {
        Path file = Path.of(arguments.text("file"));
        if (!Files.exists(file)) {
            throw new NoSuchFileException("\"" + file + "\": there is no such file");
        }
        if (!Files.isRegularFile(file)) {
            throw new IllegalArgumentException(file + " is no file");
        }
        return file;
    }

    /** Names are shown and logged, in lines of their own. */
    private static String name(String text) {
        boolean shows = text.codePoints().noneMatch(c -> Character.isISOControl(c)
                || Character.getType(c) == Character.LINE_SEPARATOR
                || Character.getType(c) == Character.PARAGRAPH_SEPARATOR);
        if (text.isBlank() || text.length() > MAX_NAME || !shows) {
            throw new IllegalArgumentException("a name has 1 to " + MAX_NAME + " characters, in one line");
        }
        return text;
    }

    private static String section(Arguments arguments) {
        return arguments.has("section") ? arguments.text("section") : "";
    }

    private Object detach(Arguments arguments) throws CommandException {
        return Refusals.refusing(() -> {
            registry.detach(registry.link(arguments.text(LINK)));
        });
    }

    private Object timing(Arguments arguments) throws CommandException {
        return Refusals.refusing(() -> registry.link(arguments.text(LINK)).timing(arguments.flag("on")));
    }
}
