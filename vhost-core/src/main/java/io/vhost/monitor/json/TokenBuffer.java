package io.vhost.monitor.json;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * The words of a message that is not complete, in their bytes and eight more for each: as objects they would
 * take eighty. What it grows by is taken from a share first.
 *
 * <p>Thread: one.
 */
final class TokenBuffer {
    private static final int LEAST_BYTES = 256;
    private static final int LEAST_WORDS = 64;
    /** Beyond it nothing is kept for the next message. */
    private static final int KEPT_BYTES = 4 * LEAST_BYTES;
    /** An end, and a reference, whose length depends on the heap's. */
    private static final int BYTES_PER_WORD = 2 * Integer.BYTES;
    private static final byte[] NONE = {};
    private static final int[] NO_ENDS = {};
    private static final TokenKind[] NO_KINDS = {};

    private final InputBudget.Share share;
    private byte[] text = NONE;
    private TokenKind[] kinds = NO_KINDS;
    private int[] ends = NO_ENDS;
    private int size;
    private int words;
    private boolean refused;

    TokenBuffer(InputBudget.Share share) {
        this.share = share;
    }

    /** Bytes of all words, of the one that is not complete too. */
    int size() {
        return size;
    }

    /** Words that are complete. */
    int words() {
        return words;
    }

    /** Whether the share had nothing left for a byte or a word, which is lost then. */
    boolean isRefused() {
        return refused;
    }

    /** Adds a byte to the word that is not complete. */
    void append(char octet) {
        if (size == text.length && !growText()) {
            refused = true;
            return;
        }
        text[size++] = (byte) octet;
    }

    /** Completes the word that the last bytes make. */
    void end(TokenKind kind) {
        if (words == kinds.length && !growWords()) {
            refused = true;
            return;
        }
        kinds[words] = kind;
        ends[words++] = size;
    }

    /** What sort of word this is. */
    TokenKind kind(int word) {
        return kinds[word];
    }

    /** A word's bytes, one char each, as they came. */
    String text(int word) {
        int begin = begin(word);
        return new String(text, begin, ends[word] - begin, StandardCharsets.ISO_8859_1);
    }

    /** The bytes so far of the word that is not complete. */
    String pending() {
        int begin = begin(words);
        return new String(text, begin, size - begin, StandardCharsets.ISO_8859_1);
    }

    private int begin(int word) {
        return word == 0 ? 0 : ends[word - 1];
    }

    /** Forgets all words. */
    void clear() {
        size = 0;
        words = 0;
        refused = false;
        if (text.length > KEPT_BYTES || kinds.length > LEAST_WORDS) {
            release();
        }
    }

    /** Forgets all words, and gives back what was taken of the share. */
    void release() {
        size = 0;
        words = 0;
        share.give(text.length + (long) BYTES_PER_WORD * kinds.length);
        text = NONE;
        kinds = NO_KINDS;
        ends = NO_ENDS;
    }

    private boolean growText() {
        int length = Math.max(LEAST_BYTES, larger(text.length));
        long more = (long) length - text.length;
        if (!share.take(more)) {
            return false;
        }
        byte[] grown = null;
        try {
            grown = Arrays.copyOf(text, length);
        } finally {
            if (grown == null) {
                share.give(more);
            }
        }
        text = grown;
        return true;
    }

    private boolean growWords() {
        int length = Math.max(LEAST_WORDS, larger(kinds.length));
        long more = (long) BYTES_PER_WORD * (length - kinds.length);
        if (!share.take(more)) {
            return false;
        }
        TokenKind[] grown = null;
        try {
            ends = Arrays.copyOf(ends, length);
            grown = Arrays.copyOf(kinds, length);
        } finally {
            if (grown == null) {
                share.give(more);
            }
        }
        kinds = grown;
        return true;
    }

    private static int larger(int length) {
        return (int) Math.min(2L * length, Integer.MAX_VALUE - Long.BYTES);
    }
}
