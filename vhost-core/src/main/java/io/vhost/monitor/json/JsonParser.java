package io.vhost.monitor.json;

import io.vhost.monitor.json.Token.Kind;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Makes a value of the words of one message. The texts of its errors are those of QEMU's monitor. */
final class JsonParser {
    private final List<Token> words;
    private int next;

    JsonParser(List<Token> words) {
        this.words = words;
    }

    /** The value that the words begin with. Its depth is limited by the caller. */
    Object value() throws JsonException {
        Token word = take();
        return switch (word.kind()) {
            case OBJECT_BEGIN -> object();
            case ARRAY_BEGIN -> array();
            case STRING -> JsonText.decode(word.text());
            case INTEGER -> integer(word.text());
            case FLOAT -> real(word.text());
            case KEYWORD -> keyword(word.text());
            default -> throw fault("expecting value");
        };
    }

    private Map<String, Object> object() throws JsonException {
        Map<String, Object> members = new LinkedHashMap<>();
        if (peek() == Kind.OBJECT_END) {
            take();
            return members;
        }
        while (true) {
            if (!(value() instanceof String key)) {
                throw fault("key is not a string in object");
            }
            if (take().kind() != Kind.COLON) {
                throw fault("missing : in object pair");
            }
            Object value = value();
            if (members.containsKey(key)) {
                throw fault("duplicate key");
            }
            members.put(key, value);
            Kind after = take().kind();
            if (after == Kind.OBJECT_END) {
                return members;
            }
            if (after != Kind.COMMA) {
                throw fault("expected separator in dict");
            }
        }
    }

    private List<Object> array() throws JsonException {
        List<Object> elements = new ArrayList<>();
        if (peek() == Kind.ARRAY_END) {
            take();
            return elements;
        }
        while (true) {
            elements.add(value());
            Kind after = take().kind();
            if (after == Kind.ARRAY_END) {
                return elements;
            }
            if (after != Kind.COMMA) {
                throw fault("expected separator in list");
            }
        }
    }

    private static Object keyword(String text) throws JsonException {
        return switch (text) {
            case "true" -> true;
            case "false" -> false;
            case "null" -> null;
            default -> throw fault("invalid keyword '" + text + "'");
        };
    }

    private static Object integer(String text) throws JsonException {
        if (text.length() < 19) {
            return Long.valueOf(text);
        }
        // More digits than that are no integer of 64 bits, and turning them into one takes quadratic time.
        BigInteger value = text.length() > 21 ? null : new BigInteger(text);
        if (value != null && value.bitLength() < Long.SIZE) {
            return value.longValue();
        }
        return value != null && value.signum() > 0 && value.bitLength() == Long.SIZE ? value : real(text);
    }

    private static Object real(String text) throws JsonException {
        double value = Double.parseDouble(text);
        if (Double.isInfinite(value)) {
            throw fault("number out of range");
        }
        return value;
    }

    private Kind peek() {
        return next < words.size() ? words.get(next).kind() : null;
    }

    private Token take() throws JsonException {
        if (next == words.size()) {
            throw new JsonException("JSON parse error, premature EOI");
        }
        return words.get(next++);
    }

    private static JsonException fault(String what) {
        return new JsonException("JSON parse error, " + what);
    }
}
