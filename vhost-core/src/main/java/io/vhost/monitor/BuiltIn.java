package io.vhost.monitor;

import io.vhost.monitor.command.Command;
import io.vhost.monitor.command.Type;
import io.vhost.monitor.command.Type.Member;
import io.vhost.monitor.device.DeviceCommands;
import io.vhost.monitor.device.DeviceRegistry;
import io.vhost.monitor.dialogue.CommandTable;
import io.vhost.monitor.hmp.HmpShell;
import io.vhost.monitor.json.Json;
import io.vhost.monitor.qmp.Schema;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/** The commands that concern the monitor and the application as a whole. */
final class BuiltIn {
    private static final Type VERSION = Type.object(
            Member.of("qemu", Type.object(
                    Member.of("micro", Type.INT), Member.of("minor", Type.INT),
                    Member.of("major", Type.INT))),
            Member.of("package", Type.STRING));
    private static final Type CHARDEV = Type.object(
            Member.of("label", Type.STRING), Member.of("filename", Type.STRING),
            Member.of("frontend-open", Type.BOOLEAN));
    private static final Type SESSION = Type.object(
            Member.of("id", Type.INT), Member.of("mode", Type.STRING), Member.of("peer-uid", Type.INT),
            Member.of("peer-pid", Type.INT), Member.of("state", Type.STRING),
            Member.of("in-bytes", Type.UINT64), Member.of("out-bytes", Type.UINT64),
            Member.of("out-peak", Type.UINT64), Member.of("events-dropped", Type.UINT64),
            Member.of("commands", Type.UINT64), Member.of("since", Type.INT));
    /** Ends the application. */
    static final String QUIT = "quit";

    /**
     * What a server lets its clients look into.
     *
     * @param path where it listens
     * @param name of the application
     * @param devices that it knows
     * @param quit ends the application; null if nothing does
     */
    record Subject(Path path, String name, DeviceRegistry devices, Runnable quit) {}

    private final Subject subject;
    private final Supplier<List<Map<String, Object>>> sessions;
    private final Consumer<String> end;
    private final CommandTable commands;

    /** Names that an application's command cannot have. */
    private static final class Names {
        private static final Set<String> ALL = new BuiltIn(
                new Subject(Path.of("monitor"), "", new DeviceRegistry(), null), List::of, _ -> { },
                builtIn -> new CommandTable(builtIn, List.of(), Set.of())).commands().all()
                .stream().map(Command::name).collect(Collectors.toUnmodifiableSet());
    }

    /**
     * The commands of one server.
     *
     * @param subject what they are about
     * @param sessions describes its clients; called on a thread of the pool
     * @param end tells its clients that the application is about to end, and why; called there, too
     * @param table puts the application's beside them
     */
    BuiltIn(Subject subject, Supplier<List<Map<String, Object>>> sessions, Consumer<String> end,
            Function<List<Command>, CommandTable> table) {
        this.subject = subject;
        this.sessions = sessions;
        this.end = end;
        List<Command> all = new ArrayList<>(own());
        all.addAll(DeviceCommands.of(subject.devices()));
        this.commands = table.apply(all);
    }

    /** Whether this is a command of the server's own. */
    static boolean isName(String name) {
        return Names.ALL.contains(name);
    }

    /** All commands that the server has: those of its own, of devices, and the application's. */
    CommandTable commands() {
        return commands;
    }

    /** The events that a server sends of itself, with their data. */
    static Map<String, Type> events() {
        Map<String, Type> events = new LinkedHashMap<>();
        events.put("SHUTDOWN", Type.object(
                Member.of("guest", Type.BOOLEAN), Member.of("reason", Type.STRING)));
        events.put("NETDEV_VHOST_USER_CONNECTED", Type.object(
                Member.of("netdev-id", Type.STRING), Member.of("chardev-id", Type.STRING)));
        events.put("NETDEV_VHOST_USER_DISCONNECTED", Type.object(Member.of("netdev-id", Type.STRING)));
        events.put("VHOST_QUEUE_STATE", Type.object(
                Member.of("path", Type.STRING), Member.of("queue", Type.UINT16),
                Member.of("enabled", Type.BOOLEAN)));
        events.put("VHOST_QUEUE_STUCK", Type.object(
                Member.of("path", Type.STRING), Member.of("queue", Type.UINT16),
                Member.of("reason", Type.enumeration("lock", "copies")),
                Member.optional("owner", Type.STRING),
                Member.optional("age-ns", Type.UINT64)));
        events.put("VHOST_EVENTS_DROPPED", Type.object(Member.of("count", Type.UINT64)));
        return events;
    }

    private List<Command> own() {
        return List.of(
                Command.named("qmp_capabilities").help("begin to take commands")
                        .optional("enable", Type.array(Type.enumeration("oob")))
                        .runs(_ -> null),
                Command.named("query-version").help("show the version").returns(VERSION)
                        .runs(_ -> Version.describe()),
                Command.named("query-commands").help("list the commands that are switched on")
                        .returns(Type.array(Type.object(Member.of("name", Type.STRING))))
                        .runs(_ -> commands.enabled().stream().map(c -> Json.object("name", c.name()))
                                .toList()),
                Command.named("query-qmp-schema").help("describe commands and events")
                        .returns(Type.array(Schema.ENTRY))
                        .runs(_ -> Schema.of(commands.enabled(), events())),
                Command.named("query-name").help("show the application's name")
                        .returns(Type.object(Member.optional("name", Type.STRING)))
                        .runs(_ -> subject.name().isEmpty() ? Map.of() : Json.object("name", subject.name())),
                Command.named("query-status").help("show whether the application runs")
                        .returns(Type.object(Member.of("status", Type.enumeration("running", "paused")),
                                Member.of("singlestep", Type.BOOLEAN), Member.of("running", Type.BOOLEAN)))
                        .runs(_ -> Json.object("status", "running", "singlestep", false, "running", true)),
                Command.named("query-chardev").help("list the monitor's socket and those of devices")
                        .returns(Type.array(CHARDEV))
                        .runs(_ -> sockets()),
                Command.named(QUIT).help("end the application").mutating().runs(_ -> {
                    // As with QEMU: the event first, then the answer.
                    end.accept("host-qmp-quit");
                    subject.quit().run();
                    return null;
                }),
                Command.named("human-monitor-command").help("run a command of the text monitor")
                        .argument("command-line", Type.STRING).optional("cpu-index", Type.INT)
                        .returns(Type.STRING)
                        .runs(arguments -> new HmpShell(commands).run(arguments.text("command-line"))),
                Command.named("x-query-monitor").help("list the clients of this monitor").outOfBand()
                        .returns(Type.array(SESSION))
                        .runs(_ -> sessions.get()));
    }

    private List<Map<String, Object>> sockets() {
        List<Map<String, Object>> sockets = new ArrayList<>();
        sockets.add(Json.object(
                "label", "monitor", "filename", "unix:" + subject.path() + ",server=on",
                "frontend-open", true));
        subject.devices().sockets().forEach((name, socket) -> sockets.add(Json.object(
                "label", name, "filename", socket.filename(name), "frontend-open", socket.open() > 0)));
        return sockets;
    }
}
