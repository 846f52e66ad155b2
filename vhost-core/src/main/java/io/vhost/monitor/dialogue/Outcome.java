package io.vhost.monitor.dialogue;

import static java.lang.System.Logger.Level.ERROR;

import io.vhost.monitor.command.Arguments;
import io.vhost.monitor.command.Command;
import io.vhost.monitor.command.CommandException;

/**
 * How a command ended.
 *
 * @param result what it returned; null for nothing
 * @param error why it failed; null if it did not
 */
public record Outcome(Object result, CommandException error) {
    private static final System.Logger LOGGER = System.getLogger("io.vhost.monitor");

    /**
     * Runs a command, on the calling thread. What is wrong with the command itself, and not with the call, is
     * logged.
     */
    public static Outcome of(Command command, Arguments arguments) {
        try {
            Object result = command.run(arguments);
            String fault = command.resultFault(result);
            if (fault == null) {
                return new Outcome(result, null);
            }
            String text = "The command " + command.name() + " returned what it does not declare: " + fault;
            LOGGER.log(ERROR, text);
            return new Outcome(null, new CommandException(text));
        } catch (CommandException e) {
            return new Outcome(null, e);
        } catch (Exception | Error e) {
            return failed(command, e);
        }
    }

    /** The outcome of a command that threw what it does not declare, which is logged. */
    public static Outcome failed(Command command, Throwable failure) {
        LOGGER.log(ERROR, "command " + command.name() + " failed", failure);
        return new Outcome(null, new CommandException(
                "The command " + command.name() + " failed: " + failure.getClass().getSimpleName()));
    }
}
