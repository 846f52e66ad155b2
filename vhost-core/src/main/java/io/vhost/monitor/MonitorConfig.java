package io.vhost.monitor;

import io.vhost.monitor.command.Command;
import io.vhost.monitor.device.DeviceRegistry;
import io.vhost.monitor.dialogue.CommandTable;
import io.vhost.monitor.dialogue.Dialogue;
import io.vhost.monitor.dialogue.DialogueHost;
import io.vhost.monitor.hmp.HmpDialogue;
import io.vhost.monitor.hmp.HmpShell;
import io.vhost.monitor.json.JsonReader;
import io.vhost.monitor.qmp.QmpDialogue;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;

/** How a monitor behaves. Immutable; the defaults look and change nothing. */
public final class MonitorConfig {
    /** What a monitor speaks. */
    public enum Mode {
        /** JSON, for programs. */
        QMP,
        /** Text, for people. */
        HMP
    }

    private final Mode mode;
    private final boolean exclusive;
    private final int maxClients;
    private final int outputLimit;
    private final Set<Integer> users;
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
        users = Set.copyOf(builder.users);
        mutating = builder.mutating;
        echo = builder.echo;
        prompt = builder.prompt;
        name = builder.name;
        devices = builder.devices;
        commands = List.copyOf(builder.commands);
        quit = builder.quit;
        limits = new JsonReader.Limits(builder.messageLimit, builder.messageLimit, builder.depthLimit);
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

    boolean allows(int uid) {
        return users.isEmpty() || users.contains(uid);
    }

    DeviceRegistry devices() {
        return devices.registry();
    }

    String name() {
        return name;
    }

    Runnable quit() {
        return quit;
    }

    /** The table of our own commands and the application's. */
    CommandTable table(List<Command> builtIn) {
        List<Command> all = new ArrayList<>(builtIn);
        all.addAll(commands);
        Set<String> disabled = new HashSet<>();
        for (Command command : all) {
            boolean on = command.name().equals("quit") ? quit != null : mutating || !command.mutates();
            if (!on) {
                disabled.add(command.name());
            }
        }
        return new CommandTable(all, disabled);
    }

    Dialogue dialogue(DialogueHost host, CommandTable table) {
        return mode == Mode.QMP
                ? new QmpDialogue(host, table, Version.describe(), limits)
                : new HmpDialogue(host, new HmpShell(table), Version.text(), prompt, echo);
    }

    /** A configuration that is being written. */
    public static final class Builder {
        private Mode mode = Mode.QMP;
        private boolean exclusive;
        private int maxClients = 16;
        private int outputLimit = 256 * 1024;
        private final Set<Integer> users = new HashSet<>();
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
         * Limits one message of a client. 1 MiB and a depth of 1024 unless told otherwise.
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
         * Admits this user; once one is named, no other is served. File permissions apply in any case.
         *
         * @param uid number of the user
         */
        public Builder allowUser(int uid) {
            users.add(uid);
            return this;
        }

        /** Switches on commands that change something. */
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
         * Adds a command, or replaces one.
         *
         * @param command a row of the table
         */
        public Builder command(Command command) {
            commands.add(Objects.requireNonNull(command, "command"));
            return this;
        }

        /**
         * Switches {@code quit} on.
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
