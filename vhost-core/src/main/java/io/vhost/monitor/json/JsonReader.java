package io.vhost.monitor.json;

import java.util.function.BiConsumer;

/**
 * Finds messages in a stream of bytes: a message ends where its brackets balance, not at a line's end. Any
 * number of wrong messages leaves it ready for a right one, and what it holds never exceeds its limits.
 *
 * <p>Thread: one.
 */
public final class JsonReader {
    /** Why a message is refused that would fit if others held less. */
    public static final String CROWDED =
            "JSON token size limit exceeded: clients hold too much, send it again later";

    private static final String TOO_LARGE = "JSON token size limit exceeded";

    /**
     * What a message may hold.
     *
     * @param bytes of all its words
     * @param words brackets and separators included
     * @param depth of brackets
     */
    public record Limits(int bytes, int words, int depth) {
        /** Words of a message: far more than a command needs. */
        public static final int MOST_WORDS = 1 << 16;
        /** Far more than a command needs, far less than hurts. */
        public static final Limits DEFAULT = new Limits(1 << 20, MOST_WORDS, 1024);
    }

    /** What a byte and a word of a message cost as parts of a value, in bytes at most. */
    private static final int COST_OF_BYTE = 2;
    private static final int COST_OF_WORD = 48;

    private final Limits limits;
    private final BiConsumer<Object, JsonException> messages;
    private final TokenBuffer words;
    private final JsonLexer lexer;
    private int braces;
    private int brackets;
    private long weight;

    /**
     * A reader at the beginning of a stream.
     *
     * @param limits what a message may hold
     * @param messages receives each message: its value, or why it has none
     */
    public JsonReader(Limits limits, BiConsumer<Object, JsonException> messages) {
        this(limits, new InputBudget(Long.MAX_VALUE).share(), messages);
    }

    /**
     * The same, for one of several readers that share a budget.
     *
     * @param limits what a message may hold
     * @param share pays for the message that is not complete
     * @param messages receives each message, for which nothing is paid any more: see {@link #weight}
     */
    public JsonReader(
            Limits limits, InputBudget.Share share, BiConsumer<Object, JsonException> messages) {
        this.limits = limits;
        this.messages = messages;
        this.words = new TokenBuffer(share);
        this.lexer = new JsonLexer(words, this::word);
    }

    /** Takes the next byte; its upper bits do not matter. */
    public void accept(int octet) {
        lexer.accept(octet & 0xFF);
        if (words.isRefused()) {
            lexer.abandon();
            refuse(CROWDED);
        } else if (words.size() > limits.bytes) {
            lexer.abandon();
            refuse(TOO_LARGE);
        }
    }

    /** What the message that is being handed over costs whoever keeps it, in bytes of the heap at most. */
    public long weight() {
        return weight;
    }

    /** Forgets the message that is not complete, and gives back what was paid for it. */
    public void release() {
        words.release();
    }

    private void word(TokenKind kind) {
        if (words.isRefused()) {
            return;
        }
        if (kind == TokenKind.STRAY) {
            refuse("JSON parse error, stray '" + Utf8.lenient(words.pending()) + "'");
            return;
        }
        switch (kind) {
            case OBJECT_BEGIN -> braces++;
            case OBJECT_END -> braces--;
            case ARRAY_BEGIN -> brackets++;
            case ARRAY_END -> brackets--;
            default -> { }
        }
        if (words.size() > limits.bytes) {
            refuse(TOO_LARGE);
        } else if (words.words() + 1 > limits.words) {
            refuse("JSON token count limit exceeded");
        } else if (braces + brackets > limits.depth) {
            refuse("JSON nesting depth limit exceeded");
        } else {
            words.end(kind);
            // An end without its beginning is complete as well: it is refused, and forgotten.
            boolean complete = (braces == 0 && brackets == 0) || braces < 0 || brackets < 0;
            if (complete && !words.isRefused()) {
                parse();
            }
        }
    }

    private void parse() {
        Object value = null;
        JsonException fault = null;
        try {
            value = new JsonParser(words).value();
        } catch (JsonException e) {
            fault = e;
        }
        weight = (long) COST_OF_BYTE * words.size() + (long) COST_OF_WORD * words.words();
        reset();
        messages.accept(value, fault);
    }

    private void refuse(String text) {
        reset();
        messages.accept(null, new JsonException(text));
    }

    private void reset() {
        words.clear();
        braces = 0;
        brackets = 0;
    }
}
