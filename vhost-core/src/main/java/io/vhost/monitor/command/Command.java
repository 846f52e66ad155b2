package io.vhost.monitor.command;

import io.vhost.monitor.command.Type.Member;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Pattern;

/**
 * One row of the command table: all that the monitor knows about a command. Immutable.
 *
 * <p>An application's own command is made with {@link #named} and added with
 * {@link io.vhost.monitor.MonitorConfig.Builder#command}. Its name begins with {@code x-} by convention, and
 * is no other command's. People call it with its arguments in their order, those that may be left out last.
 */
public final class Command {
    /** What a command does. */
    @FunctionalInterface
    public interface Action {
        /**
         * Runs on a thread of the monitor's pool, beside other commands. It may take its time: other sessions
         * go on. An exception of another kind than the declared one is logged, and the client told of its
         * class only.
         *
         * @param arguments of the call, checked
         * @return the result, of the declared type, and null for none; it is read after this has returned, on
         *     the same thread
         * @throws CommandException what the client is told
         */
        Object run(Arguments arguments) throws CommandException;
    }

    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_.-]+");

    private final String name;
    private final String help;
    private final Type arguments;
    private final Type result;
    private final boolean mutates;
    private final boolean outOfBand;
    private final Action action;

    private Command(Builder builder, Action action) {
        this.name = builder.name;
        this.help = builder.help;
        this.arguments = Type.object(builder.arguments.toArray(Member[]::new));
        this.result = builder.result;
        this.mutates = builder.mutates;
        this.outOfBand = builder.outOfBand;
        this.action = Objects.requireNonNull(action, "action");
    }

    /**
     * Begins a row.
     *
     * @param name of the command: letters, digits, dashes, underscores and dots
     * @throws IllegalArgumentException if it is something else, which people could not type
     */
    public static Builder named(String name) {
        if (!NAME.matcher(name).matches()) {
            throw new IllegalArgumentException("\"" + name + "\" cannot be the name of a command;"
                    + " make it of letters, digits, dashes, underscores and dots");
        }
        return new Builder(name);
    }

    /** The command's name. */
    public String name() {
        return name;
    }

    /** What it does, in one line. */
    public String help() {
        return help;
    }

    /** The object that its arguments make. */
    public Type arguments() {
        return arguments;
    }

    /** The type of its result. */
    public Type result() {
        return result;
    }

    /** Whether it changes anything: then it has to be switched on. */
    public boolean mutates() {
        return mutates;
    }

    /** Whether it may overtake others. */
    public boolean isOutOfBand() {
        return outOfBand;
    }

    /**
     * Checks what a client gave, before anything is done.
     *
     * @param given of the types that JSON has
     * @return the arguments, all of the types that {@link #arguments()} names
     * @throws CommandException if one is missing, unexpected, or of another type
     */
    public Arguments check(Map<?, ?> given) throws CommandException {
        return ArgumentCheck.check(arguments, given);
    }

    /**
     * Does what the command does, on the calling thread.
     *
     * @param values checked by {@link #check}
     * @return the result, of the types that JSON has; null for none
     * @throws CommandException what the client is told
     */
    public Object run(Arguments values) throws CommandException {
        return action.run(values);
    }

    /**
     * What is wrong with a result: clients are told an error instead of it.
     *
     * @param value what {@link #run} returned
     * @return where it is not of the type that {@link #result()} names; null if it is
     */
    public String resultFault(Object value) {
        return ResultCheck.fault(result, value);
    }

    /** A row that is being written. */
    public static final class Builder {
        private final String name;
        private final List<Member> arguments = new ArrayList<>();
        private String help = "";
        private Type result = Type.EMPTY;
        private boolean mutates;
        private boolean outOfBand;

        private Builder(String name) {
            this.name = name;
        }

        /**
         * Says what the command does.
         *
         * @param text one line
         */
        public Builder help(String text) {
            help = Objects.requireNonNull(text, "text");
            return this;
        }

        /**
         * Adds an argument that must be given.
         *
         * @param argument its name
         * @param type its type
         * @throws IllegalArgumentException if there is an argument of this name
         */
        public Builder argument(String argument, Type type) {
            return add(Member.of(argument, type));
        }

        /**
         * Adds an argument that may be given.
         *
         * @param argument its name
         * @param type its type
         * @throws IllegalArgumentException if there is an argument of this name
         */
        public Builder optional(String argument, Type type) {
            return add(Member.optional(argument, type));
        }

        /**
         * Says what the command returns.
         *
         * @param type of the result
         */
        public Builder returns(Type type) {
            result = Objects.requireNonNull(type, "type");
            return this;
        }

        /** Says that the command changes something. */
        public Builder mutating() {
            mutates = true;
            return this;
        }

        /**
         * Says that the command may overtake others: it must be quick, and take no lock that an in-band
         * command holds.
         */
        public Builder outOfBand() {
            outOfBand = true;
            return this;
        }

        /**
         * Ends the row.
         *
         * @param action what the command does
         */
        public Command runs(Action action) {
            return new Command(this, action);
        }

        private Builder add(Member argument) {
            if (arguments.stream().anyMatch(known -> known.name().equals(argument.name()))) {
                throw new IllegalArgumentException("command " + name + " has two arguments "
                        + argument.name() + "; give one another name");
            }
            arguments.add(argument);
            return this;
        }
    }
}
