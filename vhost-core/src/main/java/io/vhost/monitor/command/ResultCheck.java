package io.vhost.monitor.command;

import io.vhost.monitor.command.Type.Kind;
import io.vhost.monitor.command.Type.Member;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.Map;

/** Checks what a command returned against the type that clients were told. */
final class ResultCheck {
    /** Brackets within brackets: more than anyone reads; what holds itself has no end. */
    private static final int DEPTH = 1024;

    private ResultCheck() {}

    /** Where the value is not of the type; null if it is. */
    static String fault(Type type, Object value) {
        return value == null && type.equals(Type.EMPTY) ? null : fault("the result", type, value);
    }

    private static String fault(String path, Type type, Object value) {
        return switch (type.kind()) {
            case ANY -> anyFault(path, value, DEPTH);
            case STRING -> expect(value instanceof CharSequence, path, type, value);
            case BOOLEAN -> expect(value instanceof Boolean, path, type, value);
            case INTEGER -> expect(isInteger(type, value), path, type, value);
            case ENUMERATION -> value instanceof CharSequence text && type.values().contains(text.toString())
                    ? null : path + " is " + describe(value) + ", one of " + type.values() + " expected";
            case ARRAY -> value instanceof Iterable<?> elements
                    ? arrayFault(path, type, elements) : expect(false, path, type, value);
            case OBJECT -> value instanceof Map<?, ?> members
                    ? objectFault(path, type, members) : expect(false, path, type, value);
        };
    }

    private static String arrayFault(String path, Type type, Iterable<?> elements) {
        int index = 0;
        for (Object element : elements) {
            String fault = fault(path + "[" + index++ + "]", type.element(), element);
            if (fault != null) {
                return fault;
            }
        }
        return null;
    }

    private static String objectFault(String path, Type type, Map<?, ?> members) {
        int known = 0;
        for (Member member : type.members()) {
            String inside = path + "." + member.name();
            if (members.containsKey(member.name())) {
                known++;
                String fault = fault(inside, member.type(), members.get(member.name()));
                if (fault != null) {
                    return fault;
                }
            } else if (!member.isOptional()) {
                return inside + " is missing";
            }
        }
        return known == members.size() ? null : path + " has a member that is not declared: "
                + members.keySet().stream().filter(name -> !isMember(type, name))
                .map(String::valueOf).findFirst().orElse("");
    }

    private static boolean isMember(Type type, Object name) {
        return type.members().stream().anyMatch(member -> member.name().equals(name));
    }

    /** Any value has to be one that JSON has. */
    private static String anyFault(String path, Object value, int depth) {
        if (depth == 0) {
            return "brackets within brackets, more than " + DEPTH;
        }
        if (value instanceof Iterable<?> elements) {
            for (Object element : elements) {
                String fault = anyFault(path, element, depth - 1);
                if (fault != null) {
                    return fault;
                }
            }
            return null;
        }
        if (value instanceof Map<?, ?> members) {
            for (Map.Entry<?, ?> member : members.entrySet()) {
                String fault = member.getKey() instanceof String
                        ? anyFault(path, member.getValue(), depth - 1)
                        : path + " has a member named by " + describe(member.getKey());
                if (fault != null) {
                    return fault;
                }
            }
            return null;
        }
        boolean simple = value == null || value instanceof CharSequence || value instanceof Boolean
                || value instanceof Number;
        return simple ? null : path + " has in it " + describe(value) + ", which JSON has no type for";
    }

    private static boolean isInteger(Type type, Object value) {
        if (!(value instanceof Number number) || number instanceof Double || number instanceof Float
                || number instanceof BigDecimal) {
            return false;
        }
        BigInteger integer = number instanceof BigInteger big ? big : BigInteger.valueOf(number.longValue());
        if (type.equals(Type.INT)) {
            return integer.bitLength() < Long.SIZE;
        }
        return integer.signum() >= 0
                && integer.compareTo(new BigInteger(Long.toUnsignedString(type.max()))) <= 0;
    }

    private static String expect(boolean fits, String path, Type type, Object value) {
        if (fits) {
            return null;
        }
        String name = type.kind() == Kind.INTEGER ? type.name() : "a value of type " + type.name();
        return path + " is " + describe(value) + ", " + name + " expected";
    }

    private static String describe(Object value) {
        return switch (value) {
            case null -> "null";
            case CharSequence _ -> "a text";
            case Number number -> "the number " + number;
            case Boolean truth -> "the truth value " + truth;
            case Map<?, ?> _ -> "an object";
            case Iterable<?> _ -> "an array";
            default -> "a " + value.getClass().getName();
        };
    }
}
