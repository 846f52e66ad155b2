package io.vhost.monitor.json;

import java.nio.charset.StandardCharsets;

/** UTF-8 in strings whose chars are bytes. */
final class Utf8 {
    private static final int REPLACEMENT = 0xFFFD;

    private Utf8() {}

    /**
     * Whether this is a character that may be exchanged: no surrogate, and none of those that never will be
     * any.
     */
    static boolean isCharacter(int codePoint) {
        return codePoint >= 0
                && codePoint <= Character.MAX_CODE_POINT
                && (codePoint < 0xD800 || codePoint > 0xDFFF)
                && (codePoint < 0xFDD0 || codePoint > 0xFDEF)
                && (codePoint & 0xFFFE) != 0xFFFE;
    }

    /** Bytes of the well-formed sequence at {@code from}, 2 to 4; 0 if it is not well formed. */
    static int length(String bytes, int from, int end) {
        char first = bytes.charAt(from);
        int length = announced(first);
        if (length == 0 || from + length > end) {
            return 0;
        }
        for (int i = 1; i < length; i++) {
            if ((bytes.charAt(from + i) & 0xC0) != 0x80) {
                return 0;
            }
        }
        int value = codePoint(bytes, from, length);
        boolean shortest = value >= (length == 2 ? 0x80 : length == 3 ? 0x800 : 0x1_0000);
        return shortest && isCharacter(value) ? length : 0;
    }

    /** Bytes of the sequence that begins so; 0 if none does. */
    private static int announced(char first) {
        if (first >= 0xC2 && first <= 0xDF) {
            return 2;
        }
        if (first >= 0xE0 && first <= 0xEF) {
            return 3;
        }
        return (first >= 0xF0 && first <= 0xF4) ? 4 : 0;
    }

    /** The character in a sequence that has this length. */
    static int codePoint(String bytes, int from, int length) {
        int value = bytes.charAt(from) & (0xFF >> (length + 1));
        for (int i = 1; i < length; i++) {
            value = (value << 6) | (bytes.charAt(from + i) & 0x3F);
        }
        return value;
    }

    /**
     * The text of some bytes, with U+FFFD for what is not well formed or
     * {@linkplain #isCharacter no character}.
     */
    static String lenient(String bytes) {
        String text = new String(bytes.getBytes(StandardCharsets.ISO_8859_1), StandardCharsets.UTF_8);
        int[] characters = text.codePoints().map(c -> isCharacter(c) ? c : REPLACEMENT).toArray();
        return new String(characters, 0, characters.length);
    }
}
