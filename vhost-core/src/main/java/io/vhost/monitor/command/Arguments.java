package io.vhost.monitor.command;

import java.util.List;
import java.util.Map;

/** The arguments of one call, checked against the command's table row. */
public final class Arguments {
    /** No arguments: what a command has that takes none. */
    public static final Arguments NONE = new Arguments(Map.of());

    private final Map<String, Object> values;

    Arguments(Map<String, Object> values) {
        this.values = values;
    }

    /**
     * Whether an optional argument was given.
     *
     * @param name of the argument
     */
    public boolean has(String name) {
        return values.containsKey(name);
    }

    /**
     * A text.
     *
     * @param name of the argument
     * @return the text; null if the argument is absent
     */
    public String text(String name) {
        return (String) values.get(name);
    }

    /**
     * An integer.
     *
     * @param name of the argument
     * @return the integer, as an unsigned number for unsigned types
     * @throws IllegalArgumentException if the argument is absent
     */
    public long integer(String name) {
        return number(name).longValue();
    }

    /**
     * A truth value.
     *
     * @param name of the argument
     * @return false if the argument is absent
     */
    public boolean flag(String name) {
        return Boolean.TRUE.equals(values.get(name));
    }

    /**
     * An array.
     *
     * @param name of the argument
     * @return the elements; empty if the argument is absent
     */
    public List<?> list(String name) {
        return values.get(name) instanceof List<?> list ? list : List.of();
    }

    /**
     * An argument of type {@link Type#ANY}.
     *
     * @param name of the argument
     * @return its value; null if it is absent, or null was given
     */
    public Object any(String name) {
        return values.get(name);
    }

    private Number number(String name) {
        if (values.get(name) instanceof Number number) {
            return number;
        }
        throw new IllegalArgumentException("no number was given for " + name + "; ask has() first");
    }
}
