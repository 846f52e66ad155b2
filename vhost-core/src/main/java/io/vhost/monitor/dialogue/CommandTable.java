package io.vhost.monitor.dialogue;

import io.vhost.monitor.command.Command;
import io.vhost.monitor.command.CommandException;
import io.vhost.monitor.command.ErrorClass;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The commands of one server, and which of them are switched on. Immutable. */
public final class CommandTable {
    private final Map<String, Command> rows = new LinkedHashMap<>();
    private final Set<String> disabled;

    private final List<Command> application;

    /**
     * A table.
     *
     * @param builtIn the server's own commands
     * @param application those of the application
     * @param disabled names of those that are not switched on
     * @throws IllegalArgumentException if two have the same name
     */
    public CommandTable(List<Command> builtIn, List<Command> application, Set<String> disabled) {
        builtIn.forEach(this::add);
        application.forEach(this::add);
        this.application = List.copyOf(application);
        this.disabled = disabled;
    }

    private void add(Command command) {
        if (rows.putIfAbsent(command.name(), command) != null) {
            throw new IllegalArgumentException(
                    "there are two commands " + command.name() + "; give one another name");
        }
    }

    /** The application's commands that are switched on. */
    public List<Command> application() {
        return application.stream().filter(command -> !disabled.contains(command.name())).toList();
    }

    /** Whether a row is the application's. */
    public boolean isApplications(Command command) {
        return application.contains(command);
    }

    /** All rows, switched on or not. */
    public Collection<Command> all() {
        return rows.values();
    }

    /** The rows that are switched on. */
    public List<Command> enabled() {
        return rows.values().stream().filter(command -> !disabled.contains(command.name())).toList();
    }

    /**
     * The command of this name.
     *
     * @throws CommandException if there is none, or it is not switched on
     */
    public Command find(String name) throws CommandException {
        Command command = rows.get(name);
        if (command == null) {
            throw new CommandException(
                    ErrorClass.COMMAND_NOT_FOUND, "The command " + name + " has not been found");
        }
        if (disabled.contains(name)) {
            throw new CommandException(ErrorClass.COMMAND_NOT_FOUND,
                    "The command " + name + " has been disabled for this instance");
        }
        return command;
    }
}
