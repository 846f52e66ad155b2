package io.vhost.monitor.hmp;

import io.vhost.monitor.command.Command;
import io.vhost.monitor.command.CommandException;
import io.vhost.monitor.command.Type;
import io.vhost.monitor.command.Type.Kind;
import io.vhost.monitor.command.Type.Member;
import io.vhost.monitor.json.JsonReader;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The words behind an application's command as the arguments that it takes. */
final class HmpArguments {
    private HmpArguments() {}

    /** Name and arguments, as help shows them. */
    static String usage(Command command) {
        StringBuilder usage = new StringBuilder(command.name());
        for (Member member : inOrder(command)) {
            usage.append(member.isOptional() ? " [" + member.name() + "]" : " " + member.name());
        }
        return usage.toString();
    }

    /** Those that must be given come first: a word can be left out at the end only. */
    static List<Member> inOrder(Command command) {
        return command.arguments().members().stream().sorted(Comparator.comparing(Member::isOptional))
                .toList();
    }

    /** The arguments that the words give; whether they fit is checked by the command. */
    static Map<String, Object> of(Command command, List<String> words) throws CommandException {
        Map<String, Object> arguments = new LinkedHashMap<>();
        List<Member> members = inOrder(command);
        for (int i = 0; i < members.size(); i++) {
            Member member = members.get(i);
            if (i < words.size()) {
                arguments.put(member.name(), value(command, member, words.get(i)));
            } else if (!member.isOptional()) {
                throw misuse(command, (member.type().kind() == Kind.INTEGER ? "expression" : "string")
                        + " expected");
            }
        }
        if (words.size() > members.size()) {
            throw misuse(command, "extraneous characters at the end of line");
        }
        return arguments;
    }

    private static Object value(Command command, Member member, String word) throws CommandException {
        return switch (member.type().kind()) {
            case STRING, ENUMERATION -> word;
            case INTEGER -> integer(command, word);
            case BOOLEAN -> switch (word) {
                case "on", "true" -> true;
                case "off", "false" -> false;
                default -> throw misuse(command, "'" + word + "' is neither on nor off");
            };
            case ARRAY, OBJECT, ANY -> json(command, word);
        };
    }

    private static Object integer(Command command, String word) throws CommandException {
        try {
            BigInteger value = word.startsWith("0x") || word.startsWith("0X")
                    ? new BigInteger(word.substring(2), 16) : new BigInteger(word);
            return value.bitLength() < Long.SIZE ? (Object) value.longValue() : value;
        } catch (NumberFormatException e) {
            throw misuse(command, "'" + word + "' is not a number");
        }
    }

    private static Object json(Command command, String word) throws CommandException {
        List<Object> found = new ArrayList<>();
        List<String> faults = new ArrayList<>();
        JsonReader reader = new JsonReader(JsonReader.Limits.DEFAULT, (value, fault) -> {
            if (fault == null) {
                found.add(value);
            } else {
                faults.add(fault.getMessage());
            }
        });
        for (byte octet : word.getBytes(StandardCharsets.UTF_8)) {
            reader.accept(octet);
        }
        reader.accept('\n');
        if (found.size() != 1 || !faults.isEmpty()) {
            throw misuse(command, "'" + word + "' is not JSON"
                    + (faults.isEmpty() ? "" : ": " + faults.getFirst()));
        }
        return found.getFirst();
    }

    /** The words that an argument may be, as far as its type says. */
    static List<String> choices(Type type) {
        return switch (type.kind()) {
            case ENUMERATION -> type.values();
            case BOOLEAN -> List.of("on", "off");
            default -> List.of();
        };
    }

    private static CommandException misuse(Command command, String what) {
        return new CommandException(command.name() + ": " + what + "\nTry \"help " + command.name()
                + "\" for more information");
    }
}
