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

    /** A table in which later rows replace earlier ones of the same name. */
    public CommandTable(List<Command> commands, Set<String> disabled) {
        commands.forEach(command -> rows.put(command.name(), command));
        this.disabled = disabled;
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
