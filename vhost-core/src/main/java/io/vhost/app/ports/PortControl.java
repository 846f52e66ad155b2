package io.vhost.app.ports;

import io.vhost.app.polling.PortCounters;
import io.vhost.app.service.ConfigFile;
import io.vhost.monitor.command.Arguments;
import io.vhost.monitor.command.Command;
import io.vhost.monitor.command.CommandException;
import io.vhost.monitor.command.Type;
import io.vhost.monitor.command.Type.Member;
import io.vhost.monitor.json.Json;
import java.io.IOException;
import java.io.PrintWriter;
import java.lang.System.Logger.Level;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Adds ports to a running command and takes them away, for its monitor and its configuration file.
 *
 * <p>Threads: any; one change at a time.
 */
public final class PortControl {
    private static final System.Logger LOGGER = System.getLogger(PortControl.class.getPackageName());
    private static final Type PORT = Type.object(
            Member.of("port", Type.INT), Member.of("name", Type.STRING), Member.of("connected", Type.BOOLEAN),
            Member.of("rx-packets", Type.UINT64), Member.of("rx-bytes", Type.UINT64),
            Member.of("tx-packets", Type.UINT64), Member.of("tx-bytes", Type.UINT64),
            Member.of("dropped-packets", Type.UINT64), Member.of("dropped-bytes", Type.UINT64));

    private final String command;
    private final boolean connects;
    private final Consumer<String> forgotten;
    /** Null: nobody is told. */
    private final PrintWriter out;
    /** Null: it does not run yet. */
    private volatile RunningPorts running;
    private ConfigFile file;

    /**
     * Nothing is controlled yet.
     *
     * @param command whose ports they are
     * @param connects whether the command can connect to sockets, too
     * @param forgotten is told the names of ports that are taken away
     * @param out gets a line about each change; or null
     */
    public PortControl(String command, boolean connects, Consumer<String> forgotten,
            PrintWriter out) {
        this.command = command;
        this.connects = connects;
        this.forgotten = forgotten;
        this.out = out;
    }

    /** Controls these ports from now on, some of which may be from a file. */
    public synchronized void begin(RunningPorts ports, ConfigFile first) {
        file = first;
        running = ports;
    }

    /** For a monitor; they are refused while the command does not run. */
    public List<Command> commands() {
        Command.Builder add = Command.named("x-vhost-port-add").mutating();
        return List.of(
                Command.named("x-query-vhost-ports").help("show the ports of " + command)
                        .returns(Type.array(PORT)).runs(_ -> ports()),
                (connects ? add.help("add a port: listen at a path, or connect to it")
                        .argument("path", Type.STRING).optional("connect", Type.BOOLEAN)
                        : add.help("add a port: listen at a path").argument("path", Type.STRING))
                        .runs(this::add),
                Command.named("x-vhost-port-remove").help("take a port away, and disconnect its guests")
                        .mutating().argument("path", Type.STRING).runs(this::remove));
    }

    private List<Map<String, Object>> ports() throws CommandException {
        return running().ports().stream().map(port -> {
            PortCounters counters = port.counters();
            return Json.object("port", port.number(), "name", port.name(),
                    "connected", port.isConnected(),
                    "rx-packets", counters.rxPackets(), "rx-bytes", counters.rxBytes(),
                    "tx-packets", counters.txPackets(), "tx-bytes", counters.txBytes(),
                    "dropped-packets", counters.dropPackets(), "dropped-bytes", counters.dropBytes());
        }).toList();
    }

    private Object add(Arguments arguments) throws CommandException {
        try {
            add(running(), arguments.text("path"), arguments.has("connect") && arguments.flag("connect"));
            return null;
        } catch (IOException e) {
            throw new CommandException(e.getMessage());
        }
    }

    private Object remove(Arguments arguments) throws CommandException {
        try {
            remove(running(), arguments.text("path"));
            return null;
        } catch (IOException e) {
            throw new CommandException(e.getMessage());
        }
    }

    private RunningPorts running() throws CommandException {
        RunningPorts ports = running;
        if (ports == null) {
            throw new CommandException("the command " + command + " does not run yet");
        }
        return ports;
    }

    private synchronized void add(RunningPorts ports, String path, boolean connects) throws IOException {
        try {
            PortState port = ports.add(Path.of(path), connects);
            tell("port " + port.number() + ": " + path);
        } catch (InvalidPathException e) {
            throw new IOException(e.getMessage(), e);
        }
    }

    private synchronized void remove(RunningPorts ports, String path) throws IOException {
        ports.remove(path);
        forgotten.accept(path);
        tell("port removed: " + path);
    }

    /**
     * Makes the ports those that the file has now. Those that it never had stay; what cannot be had is
     * logged, and the others are changed.
     */
    public synchronized void reload(ConfigFile next) {
        if (running == null) {
            LOGGER.log(Level.WARNING,
                    next + " is not read again: the command " + command + " does not run yet");
            return;
        }
        Map<String, Boolean> before = file.ports();
        Map<String, Boolean> now = next.ports();
        before.forEach((path, connects) -> {
            if (!connects.equals(now.get(path))) {
                change(() -> remove(running, path));
            }
        });
        now.forEach((path, connects) -> {
            if (!connects.equals(before.get(path))) {
                change(() -> add(running, path, connects));
            }
        });
        if (!next.others().equals(file.others())) {
            LOGGER.log(Level.WARNING, next + ": what has changed beside ports is for the next start");
        }
        file = next;
    }

    private void tell(String line) {
        if (out != null) {
            out.println(line);
            out.flush();
        }
    }

    /** A step of a change. */
    private interface Step {
        void run() throws IOException;
    }

    private static void change(Step step) {
        try {
            step.run();
        } catch (IOException e) {
            LOGGER.log(Level.WARNING, e.getMessage());
        }
    }
}
