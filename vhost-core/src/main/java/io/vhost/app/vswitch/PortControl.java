package io.vhost.app.vswitch;

import io.vhost.app.polling.PortCounters;
import io.vhost.app.service.ConfigFile;
import io.vhost.monitor.command.Arguments;
import io.vhost.monitor.command.Command;
import io.vhost.monitor.command.CommandException;
import io.vhost.monitor.command.Type;
import io.vhost.monitor.command.Type.Member;
import io.vhost.monitor.json.Json;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Adds ports to a running switch and takes them away, for its monitor and its configuration file.
 *
 * <p>Threads: any; one change at a time.
 */
final class PortControl {
    /** How a socket becomes a port. */
    interface Openings {
        /** Opens one, by listening at a path or by connecting to it. */
        Switch.Opening of(Path path, boolean connects);
    }

    private static final System.Logger LOGGER = System.getLogger(PortControl.class.getPackageName());
    private static final Type PORT = Type.object(
            Member.of("port", Type.INT), Member.of("name", Type.STRING), Member.of("connected", Type.BOOLEAN),
            Member.of("rx-packets", Type.UINT64), Member.of("rx-bytes", Type.UINT64),
            Member.of("tx-packets", Type.UINT64), Member.of("tx-bytes", Type.UINT64),
            Member.of("dropped-packets", Type.UINT64), Member.of("dropped-bytes", Type.UINT64));

    private final Openings openings;
    private final Consumer<String> forgotten;
    private final Consumer<String> told;
    /** Null: it does not run yet. */
    private volatile Switch ethernet;
    private ConfigFile file;

    /**
     * Nothing is controlled yet.
     *
     * @param openings how sockets become ports
     * @param forgotten is told the names of ports that are taken away
     * @param told a line about each change
     */
    PortControl(Openings openings, Consumer<String> forgotten, Consumer<String> told) {
        this.openings = openings;
        this.forgotten = forgotten;
        this.told = told;
    }

    /** Controls this switch from now on, whose ports may be from a file. */
    synchronized void begin(Switch running, ConfigFile first) {
        file = first;
        ethernet = running;
    }

    /** For a monitor; they are refused while the switch does not run. */
    Command[] commands() {
        return new Command[] {
            Command.named("x-query-vhost-ports").help("show the ports of the switch")
                    .returns(Type.array(PORT)).runs(_ -> ports()),
            Command.named("x-vhost-port-add").help("add a port: listen at a path, or connect to it")
                    .mutating()
                    .argument("path", Type.STRING).optional("connect", Type.BOOLEAN).runs(this::add),
            Command.named("x-vhost-port-remove").help("take a port away, and disconnect its guests")
                    .mutating().argument("path", Type.STRING).runs(this::remove)};
    }

    private List<Map<String, Object>> ports() throws CommandException {
        return running().members().stream().map(member -> {
            PortCounters counters = member.counters();
            return Json.object("port", member.number(), "name", member.name(),
                    "connected", member.isConnected(),
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

    private Switch running() throws CommandException {
        Switch running = ethernet;
        if (running == null) {
            throw new CommandException("the switch does not run yet");
        }
        return running;
    }

    private synchronized void add(Switch running, String path, boolean connects) throws IOException {
        try {
            SwitchMember port = running.add(path, openings.of(Path.of(path), connects));
            told.accept("port " + port.number() + ": " + path);
        } catch (InvalidPathException e) {
            throw new IOException(e.getMessage(), e);
        }
    }

    private synchronized void remove(Switch running, String path) throws IOException {
        running.remove(path);
        forgotten.accept(path);
        told.accept("port removed: " + path);
    }

    /**
     * Makes the ports those that the file has now. Those that it never had stay; what cannot be had is
     * logged, and the others are changed.
     */
    synchronized void reload(ConfigFile next) {
        if (ethernet == null) {
            LOGGER.log(Level.WARNING, next + " is not read again: the switch does not run yet");
            return;
        }
        Map<String, Boolean> before = file.ports();
        Map<String, Boolean> now = next.ports();
        before.forEach((path, connects) -> {
            if (!connects.equals(now.get(path))) {
                change(() -> remove(ethernet, path));
            }
        });
        now.forEach((path, connects) -> {
            if (!connects.equals(before.get(path))) {
                change(() -> add(ethernet, path, connects));
            }
        });
        if (!next.others().equals(file.others())) {
            LOGGER.log(Level.WARNING, next + ": what has changed beside ports is for the next start");
        }
        file = next;
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
