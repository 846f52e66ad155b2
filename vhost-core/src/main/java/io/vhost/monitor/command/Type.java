package io.vhost.monitor.command;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/**
 * The type of an argument or a result, as in QEMU's schema language: what is checked, and what clients are
 * told.
 *
 * @param kind which sort of type
 * @param name name for errors, as {@code string} or {@code uint16_t}
 * @param max greatest value of an integer type, as an unsigned number
 * @param element type of an array's elements; null for other kinds
 * @param members of an object; empty for other kinds
 * @param values of an enumeration; empty for other kinds
 */
public record Type(Kind kind, String name, long max, Type element, List<Member> members,
        List<String> values) {
    /** The sorts of types. */
    public enum Kind {
        /** A text. */
        STRING,
        /** True or false. */
        BOOLEAN,
        /** A number without a fraction, in the range of its type. */
        INTEGER,
        /** Any value. */
        ANY,
        /** One of some texts. */
        ENUMERATION,
        /** Values of one type. */
        ARRAY,
        /** Named members. */
        OBJECT
    }

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

    /** A text. */
    public static final Type STRING = simple(Kind.STRING, "string", 0);
    /** True or false. */
    public static final Type BOOLEAN = simple(Kind.BOOLEAN, "boolean", 0);
    /** An integer of 64 bits with a sign. */
    public static final Type INT = simple(Kind.INTEGER, "int", Long.MAX_VALUE);
    /** An integer from 0 to 2^64-1. */
    public static final Type UINT64 = simple(Kind.INTEGER, "uint64", -1);
    /** An integer from 0 to 2^32-1. */
    public static final Type UINT32 = simple(Kind.INTEGER, "uint32_t", 0xFFFF_FFFFL);
    /** An integer from 0 to 65535. */
    public static final Type UINT16 = simple(Kind.INTEGER, "uint16_t", 0xFFFF);
    /** Any value. */
    public static final Type ANY = simple(Kind.ANY, "any", 0);
    /** An object without members: what a command without arguments, or without a result, has. */
    public static final Type EMPTY = object();

    /** Checks that no part is missing. */
    public Type {
        Objects.requireNonNull(kind, "kind");
        members = List.copyOf(members);
        values = List.copyOf(values);
    }

    /**
     * Values of one type.
     *
     * @param element type of the elements
     */
    public static Type array(Type element) {
        return new Type(Kind.ARRAY, "array", 0, element, List.of(), List.of());
    }

    /**
     * Named members.
     *
     * @param members of the object
     */
    public static Type object(Member... members) {
        return new Type(Kind.OBJECT, "object", 0, null, Arrays.asList(members), List.of());
    }

    /**
     * One of some texts.
     *
     * @param values the texts
     */
    public static Type enumeration(String... values) {
        return new Type(Kind.ENUMERATION, "string", 0, null, List.of(), Arrays.asList(values));
    }

    private static Type simple(Kind kind, String name, long max) {
        return new Type(kind, name, max, null, List.of(), List.of());
    }
}
