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

    /** Runs a command, on the calling thread. */
    public static Outcome of(Command command, Arguments arguments) {
        try {
            return new Outcome(command.run(arguments), null);
        } catch (CommandException e) {
            return new Outcome(null, e);
        } catch (Exception | LinkageError | AssertionError | InternalError | StackOverflowError e) {
            LOGGER.log(ERROR, "command " + command.name() + " failed", e);
            return new Outcome(null, new CommandException(
                    "The command " + command.name() + " failed: " + e.getClass().getSimpleName()));
        }
    }
}
