package io.vhost.monitor.json;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Makes a value of the words of one message. The texts of its errors are those of QEMU's monitor. */
final class JsonParser {
    private final TokenBuffer words;
    private int next;

    JsonParser(TokenBuffer words) {
        this.words = words;
    }

    /** The value that the words begin with. Its depth is limited by the caller. */
    Object value() throws JsonException {
        int word = next;
        return switch (take()) {
            case OBJECT_BEGIN -> object();
            case ARRAY_BEGIN -> array();
            case STRING -> JsonText.decode(words.text(word));
            case INTEGER -> integer(words.text(word));
            case FLOAT -> real(words.text(word));
            case KEYWORD -> keyword(words.text(word));
            default -> throw fault("expecting value");
        };
    }

    private Map<String, Object> object() throws JsonException {
        Map<String, Object> members = new LinkedHashMap<>();
        if (peek() == TokenKind.OBJECT_END) {
            take();
            return members;
        }
        while (true) {
            if (!(value() instanceof String key)) {
                throw fault("key is not a string in object");
            }
            if (take() != TokenKind.COLON) {
                throw fault("missing : in object pair");
            }
            Object value = value();
            if (members.containsKey(key)) {
                throw fault("duplicate key");
            }
            members.put(key, value);
            TokenKind after = take();
            if (after == TokenKind.OBJECT_END) {
                return members;
            }
            if (after != TokenKind.COMMA) {
                throw fault("expected separator in dict");
            }
        }
    }

    private List<Object> array() throws JsonException {
        List<Object> elements = new ArrayList<>();
        if (peek() == TokenKind.ARRAY_END) {
            take();
            return elements;
        }
        while (true) {
            elements.add(value());
            TokenKind after = take();
            if (after == TokenKind.ARRAY_END) {
                return elements;
            }
            if (after != TokenKind.COMMA) {
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

    private TokenKind peek() {
        return next < words.words() ? words.kind(next) : null;
    }

    private TokenKind take() throws JsonException {
        if (next == words.words()) {
            throw new JsonException("JSON parse error, premature EOI");
        }
        return words.kind(next++);
    }

    private static JsonException fault(String what) {
        return new JsonException("JSON parse error, " + what);
    }
}
