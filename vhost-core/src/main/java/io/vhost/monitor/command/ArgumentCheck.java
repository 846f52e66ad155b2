package io.vhost.monitor.command;

import io.vhost.monitor.command.Type.Kind;
import io.vhost.monitor.command.Type.Member;
import java.math.BigInteger;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Checks what a client gave against a type, before anything is done. */
final class ArgumentCheck {
    private ArgumentCheck() {}

    /** The arguments of a call, all of the types that {@code expected}, an object, names. */
    static Arguments check(Type expected, Map<?, ?> given) throws CommandException {
        return new Arguments(object("", expected, given));
    }

    private static Map<String, Object> object(String prefix, Type type, Map<?, ?> given)
            throws CommandException {
        Map<String, Object> checked = new LinkedHashMap<>();
        for (Member member : type.members()) {
            String path = prefix + member.name();
            if (given.containsKey(member.name())) {
                checked.put(member.name(), value(path, member.type(), given.get(member.name())));
            } else if (!member.isOptional()) {
                throw new CommandException("Parameter '" + path + "' is missing");
            }
        }
        for (Object name : given.keySet()) {
            if (!checked.containsKey(name)) {
                throw new CommandException("Parameter '" + prefix + name + "' is unexpected");
            }
        }
        return checked;
    }

    private static Object value(String path, Type type, Object given) throws CommandException {
        return switch (type.kind()) {
            case ANY -> given;
            case STRING -> require(given instanceof String, path, type, given);
            case BOOLEAN -> require(given instanceof Boolean, path, type, given);
            case INTEGER -> integer(path, type, given);
            case ENUMERATION -> {
                require(given instanceof String, path, type, given);
                if (!type.values().contains(given)) {
                    throw new CommandException("Parameter '" + path + "' does not accept value '" + given
                            + "'");
                }
                yield given;
            }
            case ARRAY -> {
                require(given instanceof List<?>, path, type, given);
                int index = 0;
                for (Object element : (List<?>) given) {
                    value(path + "[" + index++ + "]", type.element(), element);
                }
                yield given;
            }
            case OBJECT -> {
                require(given instanceof Map<?, ?>, path, type, given);
                yield object(path + ".", type, (Map<?, ?>) given);
            }
        };
    }

    private static Object integer(String path, Type type, Object given) throws CommandException {
        if (type.equals(Type.INT)) {
            return require(given instanceof Long, path,
                    new Type(Kind.INTEGER, "integer", 0, null, List.of(), List.of()),
                    given);
        }
        if (!(given instanceof Long || given instanceof BigInteger)) {
            throw new CommandException("Parameter '" + path + "' expects uint64");
        }
        if (Long.compareUnsigned(((Number) given).longValue(), type.max()) > 0) {
            throw new CommandException("Parameter '" + path + "' expects " + type.name());
        }
        return given;
    }

    private static Object require(boolean fits, String path, Type type, Object given)
            throws CommandException {
        if (!fits) {
            throw new CommandException("Invalid parameter type for '" + path + "', expected: " + type.name());
        }
        return given;
    }
}
