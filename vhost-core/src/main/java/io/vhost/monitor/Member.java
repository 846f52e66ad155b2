package io.vhost.monitor;

import java.util.Objects;

/**
 * A named part of an object: an argument of a command, or a member of its result.
 *
 * @param name lower case, words joined by dashes
 * @param type of its value
 * @param isOptional whether it may be absent
 */
public record Member(String name, Type type, boolean isOptional) {
    /** Checks that no part is missing. */
    public Member {
        Objects.requireNonNull(name, "name");
        Objects.requireNonNull(type, "type");
    }

    /**
     * A member that is always there.
     *
     * @param name of the member
     * @param type of its value
     */
    public static Member of(String name, Type type) {
        return new Member(name, type, false);
    }

    /**
     * A member that may be absent.
     *
     * @param name of the member
     * @param type of its value
     */
    public static Member optional(String name, Type type) {
        return new Member(name, type, true);
    }
}
