package io.vhost.monitor.json;

/** Texts as they stand in a message: in quotes, as UTF-8, with escapes. */
final class JsonText {
    private static final int ESCAPE = 6;

    private final String quoted;
    private final StringBuilder text = new StringBuilder();
    private int next = 1;

    private JsonText(String quoted) {
        this.quoted = quoted;
    }

    /** The text that a word means, whose chars are bytes and which has its quotes. */
    static String decode(String quoted) throws JsonException {
        JsonText decoder = new JsonText(quoted);
        while (decoder.next < quoted.length() - 1) {
            decoder.step();
        }
        return decoder.text.toString();
    }

    private void step() throws JsonException {
        char c = quoted.charAt(next);
        if (c == '\\') {
            next++;
            escape();
        } else if (c < 0x80) {
            text.append(c);
            next++;
        } else {
            int length = Utf8.length(quoted, next, quoted.length() - 1);
            if (length == 0) {
                throw fault("invalid UTF-8 sequence in string");
            }
            text.appendCodePoint(Utf8.codePoint(quoted, next, length));
            next += length;
        }
    }

    private void escape() throws JsonException {
        char c = quoted.charAt(next++);
        switch (c) {
            case '"', '\'', '\\', '/' -> text.append(c);
            case 'b' -> text.append('\b');
            case 'f' -> text.append('\f');
            case 'n' -> text.append('\n');
            case 'r' -> text.append('\r');
            case 't' -> text.append('\t');
            case 'u' -> unicode(next - 2);
            default -> throw fault("invalid escape sequence in string");
        }
    }

    /** The escape that begins at {@code begin}, of which backslash and letter are read. */
    private void unicode(int begin) throws JsonException {
        int end = Math.min(begin + ESCAPE, quoted.length() - 1);
        int value = hex(begin + 2);
        if (value >= 0xD800 && value <= 0xDBFF && quoted.startsWith("\\u", end)) {
            int trailing = hex(end + 2);
            if (trailing >= 0xDC00 && trailing <= 0xDFFF) {
                value = Character.toCodePoint((char) value, (char) trailing);
                end += ESCAPE;
            }
        }
        if (!Utf8.isCharacter(value)) {
            throw fault(Utf8.lenient(quoted.substring(begin, end)) + " is not a valid Unicode character");
        }
        text.appendCodePoint(value);
        next = end;
    }

    /** Four hexadecimal digits, or -1. */
    private int hex(int from) {
        if (from + 4 > quoted.length() - 1) {
            return -1;
        }
        int value = 0;
        for (int i = from; i < from + 4; i++) {
            int digit = Character.digit(quoted.charAt(i), 16);
            if (digit < 0) {
                return -1;
            }
            value = (value << 4) | digit;
        }
        return value;
    }

    private static JsonException fault(String what) {
        return new JsonException("JSON parse error, " + what);
    }
}
