package io.vhost.monitor;

import io.vhost.monitor.command.Command;
import io.vhost.monitor.device.DeviceRegistry;
import io.vhost.monitor.dialogue.CommandTable;
import io.vhost.monitor.dialogue.Dialogue;
import io.vhost.monitor.dialogue.DialogueHost;
import io.vhost.monitor.hmp.HmpDialogue;
import io.vhost.monitor.hmp.HmpShell;
import io.vhost.monitor.json.InputBudget;
import io.vhost.monitor.json.JsonReader;
import io.vhost.monitor.qmp.QmpDialogue;
import io.vhost.os.UnixListener;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;

/** How a monitor behaves. Immutable; the defaults look and change nothing. */
public final class MonitorConfig {
    /** What a monitor speaks. */
    public enum Mode {
        /** JSON, for programs. */
        QMP,
        /** Text, for people. */
        HMP
    }

    private static final long MESSAGES = 8;
    /** Room for a message of 65,536 words, which may take 3 MiB as a value however few bytes they have. */
    private static final long LEAST_INPUT = 8 << 20;

    private final Mode mode;
    private final boolean exclusive;
    private final int maxClients;
    private final int outputLimit;
    private final int socketMode;
    private final Set<Integer> users;
    private final Set<Integer> groups;
    private final boolean mutating;
    private final boolean echo;
    private final String prompt;
    private final String name;
    private final MonitoredDevices devices;
    private final List<Command> commands;
    private final Runnable quit;
    private final JsonReader.Limits limits;

    private MonitorConfig(Builder builder) {
        mode = builder.mode;
        exclusive = builder.exclusive;
        maxClients = builder.maxClients;
        outputLimit = builder.outputLimit;
        socketMode = builder.socketMode;
        users = Set.copyOf(builder.users);
        groups = Set.copyOf(builder.groups);
        mutating = builder.mutating;
        echo = builder.echo;
        prompt = builder.prompt;
        name = builder.name;
        devices = builder.devices;
        commands = List.copyOf(builder.commands);
        quit = builder.quit;
        limits = new JsonReader.Limits(
                builder.messageLimit, JsonReader.Limits.MOST_WORDS, builder.depthLimit);
    }

    /** Begins a configuration with the defaults. */
    public static Builder builder() {
        return new Builder();
    }

    boolean isExclusive() {
        return exclusive;
    }

    int maxClients() {
        return maxClients;
    }

    int outputLimit() {
        return outputLimit;
    }

    int socketMode() {
        return socketMode;
    }

    boolean allows(int uid, int gid) {
        return (users.isEmpty() && groups.isEmpty()) || users.contains(uid) || groups.contains(gid);
    }

    /** What the clients of one server may hold with what they send: eight of the largest messages. */
    InputBudget inputBudget() {
        return new InputBudget(Math.max(LEAST_INPUT, MESSAGES * limits.bytes()));
    }

    DeviceRegistry devices() {
        return devices.registry();
    }

    BuiltIn.Subject subject(Path path) {
        return new BuiltIn.Subject(path, name, devices(), quit);
    }

    /** The table of our own commands and the application's. */
    CommandTable table(List<Command> builtIn) {
        Set<String> disabled = new HashSet<>();
        Stream.concat(builtIn.stream(), commands.stream())
                .filter(command -> command.mutates() && !mutating)
                .forEach(command -> disabled.add(command.name()));
        if (quit == null) {
            disabled.add(BuiltIn.QUIT);
        }
        return new CommandTable(builtIn, commands, disabled);
    }

    Dialogue dialogue(DialogueHost host, CommandTable table, InputBudget.Share share) {
        return mode == Mode.QMP
                ? new QmpDialogue(host, table, Version.describe(), limits, share)
                : new HmpDialogue(host, new HmpShell(table), Version.text(), prompt, echo);
    }

    /** A configuration that is being written. */
    public static final class Builder {
        private Mode mode = Mode.QMP;
        private boolean exclusive;
        private int maxClients = 16;
        private int outputLimit = 256 * 1024;
        private int socketMode = UnixListener.OWNER_ONLY;
        private final Set<Integer> users = new HashSet<>();
        private final Set<Integer> groups = new HashSet<>();
        private boolean mutating;
        private boolean echo;
        private String prompt = "(vhost) ";
        private String name = "";
        private MonitoredDevices devices = new MonitoredDevices();
        private final List<Command> commands = new ArrayList<>();
        private Runnable quit;
        private int messageLimit = 1 << 20;
        private int depthLimit = 1024;

        private Builder() {}

        /**
         * Says what the monitor speaks; {@link Mode#QMP} unless told otherwise.
         *
         * @param language of the monitor
         */
        public Builder mode(Mode language) {
            mode = Objects.requireNonNull(language, "language");
            return this;
        }

        /**
         * Serves one client at a time, as QEMU does: the next one waits until the first has gone, and with it
         * whoever else wants to connect, since the backlog is 1.
         */
        public Builder exclusive() {
            exclusive = true;
            return this;
        }

        /**
         * Limits the clients that are served at once; one more is refused. 16 unless told otherwise.
         *
         * @param count at least 1
         */
        public Builder maxClients(int count) {
            maxClients = require("maxClients", count, 1);
            return this;
        }

        /**
         * Limits what waits for a client that does not read: beyond it, its commands wait and its events are
         * dropped and counted. One answer may go beyond it. 256 KiB unless told otherwise.
         *
         * @param bytes at least 1024
         */
        public Builder outputLimit(int bytes) {
            outputLimit = require("outputLimit", bytes, 1024);
            return this;
        }

        /**
         * Limits one message of a client: 1 MiB and a depth of 1024 unless told otherwise, and 65,536 words,
         * brackets and commas included. All clients together may hold 8 MiB with what they have sent, or
         * eight messages of the limit if that is more, and 64 KiB each beside; a message beyond that is
         * refused.
         *
         * @param bytes at least 1024
         * @param depth of brackets, 16 to 1024
         */
        public Builder messageLimit(int bytes, int depth) {
            messageLimit = require("messageLimit", bytes, 1024);
            depthLimit = Math.min(require("depth", depth, 16), 1024);
            return this;
        }

        /**
         * Sets the permissions of the socket's file: who has write permission can connect, if the directory
         * lets them. The owner's alone unless told otherwise; for {@link #allowUser} and {@link #allowGroup}
         * it has to be opened as far as those go.
         *
         * @param permissions of the file, whatever the umask
         */
        public Builder permissions(Set<PosixFilePermission> permissions) {
            int bits = 0;
            for (PosixFilePermission each : PosixFilePermission.values()) {
                bits = (bits << 1) | (permissions.contains(each) ? 1 : 0);
            }
            socketMode = bits;
            return this;
        }

        /**
         * Admits this user; once a user or a group is named, nobody else is served. File permissions apply in
         * any case.
         *
         * @param uid number of the user
         */
        public Builder allowUser(int uid) {
            users.add(uid);
            return this;
        }

        /**
         * Admits processes that run with this group; once a user or a group is named, nobody else is served.
         * File permissions apply in any case.
         *
         * @param gid number of the group, the effective one of a process; other groups it has do not count
         */
        public Builder allowGroup(int gid) {
            groups.add(gid);
            return this;
        }

        /** Switches on commands that change something, {@code quit} among them. */
        public Builder mutating() {
            mutating = true;
            return this;
        }

        /** Sends back what is typed, in {@link Mode#HMP}. */
        public Builder echo() {
            echo = true;
            return this;
        }

        /**
         * Sets the prompt of {@link Mode#HMP}; {@code "(vhost) "} unless told otherwise.
         *
         * @param text printed before each command; {@code "(qemu) "} suits scripts written for QEMU
         */
        public Builder prompt(String text) {
            prompt = Objects.requireNonNull(text, "text");
            return this;
        }

        /**
         * Names the application, for {@code query-name}.
         *
         * @param text its name
         */
        public Builder name(String text) {
            name = Objects.requireNonNull(text, "text");
            return this;
        }

        /**
         * Says which devices can be looked at.
         *
         * @param monitored devices
         */
        public Builder devices(MonitoredDevices monitored) {
            devices = Objects.requireNonNull(monitored, "monitored");
            return this;
        }

        /**
         * Adds a command, for programs and for people.
         *
         * @param command a row of the table
         * @throws IllegalArgumentException if there is a command of this name, ours or the application's
         */
        public Builder command(Command command) {
            String name = command.name();
            boolean ours = BuiltIn.isName(name) || HmpShell.isOwn(name);
            if (ours || commands.stream().anyMatch(known -> known.name().equals(name))) {
                throw new IllegalArgumentException("there is a command " + name + " already, "
                        + (ours ? "the monitor's own; choose another name, such as x-app-" + name
                                : "which was added before; add each once, or choose another name"));
            }
            commands.add(command);
            return this;
        }

        /**
         * Says how {@code quit} ends the application. It is switched on with {@link #mutating} only. Clients
         * are told of the end ({@code SHUTDOWN}) before this is called.
         *
         * @param action asks the application to end; does not wait for that
         */
        public Builder onQuit(Runnable action) {
            quit = Objects.requireNonNull(action, "action");
            return this;
        }

        /** Ends the configuration. */
        public MonitorConfig build() {
            return new MonitorConfig(this);
        }

        private static int require(String what, int value, int least) {
            if (value < least) {
                throw new IllegalArgumentException(what + "=" + value + " must be at least " + least);
            }
            return value;
        }
    }
}
