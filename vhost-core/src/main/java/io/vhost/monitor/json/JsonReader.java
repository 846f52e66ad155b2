package io.vhost.monitor.json;

import io.vhost.monitor.json.Token.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;

/**
 * Finds messages in a stream of bytes: a message ends where its brackets balance, not at a line's end. Any
 * number of wrong messages leaves it ready for a right one, and what it holds never exceeds its limits.
 *
 * <p>Thread: one.
 */
public final class JsonReader {
    /**
     * What a message may hold.
     *
     * @param bytes of all its words
     * @param words brackets and separators included
     * @param depth of brackets
     */
    public record Limits(int bytes, int words, int depth) {
        /** Far more than a command needs, far less than hurts. */
        static final Limits DEFAULT = new Limits(1 << 20, 1 << 16, 1024);
    }

    private final Limits limits;
    private final BiConsumer<Object, JsonException> messages;
    private final JsonLexer lexer = new JsonLexer(this::word);
    private final List<Token> words = new ArrayList<>();
    private int bytes;
    private int braces;
    private int brackets;

    /**
     * A reader at the beginning of a stream.
     *
     * @param limits what a message may hold
     * @param messages receives each message: its value, or why it has none
     */
    public JsonReader(Limits limits, BiConsumer<Object, JsonException> messages) {
        this.limits = limits;
        this.messages = messages;
    }

    /** Takes the next byte; its upper bits do not matter. */
    public void accept(int octet) {
        lexer.accept(octet & 0xFF);
        if (bytes + lexer.pending() > limits.bytes) {
            lexer.abandon();
            refuse("JSON token size limit exceeded");
        }
    }

    private void word(Token word) {
        if (word.kind() == Kind.STRAY) {
            refuse("JSON parse error, stray '" + Utf8.lenient(word.text()) + "'");
            return;
        }
        switch (word.kind()) {
            case OBJECT_BEGIN -> braces++;
            case OBJECT_END -> braces--;
            case ARRAY_BEGIN -> brackets++;
            case ARRAY_END -> brackets--;
            default -> { }
        }
        if (bytes + word.text().length() > limits.bytes) {
            refuse("JSON token size limit exceeded");
        } else if (words.size() + 1 > limits.words) {
            refuse("JSON token count limit exceeded");
        } else if (braces + brackets > limits.depth) {
            refuse("JSON nesting depth limit exceeded");
        } else {
            bytes += word.text().length();
            words.add(word);
            // An end without its beginning is complete as well: it is refused, and forgotten.
            if ((braces == 0 && brackets == 0) || braces < 0 || brackets < 0) {
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
        reset();
        messages.accept(value, fault);
    }

    private void refuse(String text) {
        reset();
        messages.accept(null, new JsonException(text));
    }

    private void reset() {
        words.clear();
        bytes = 0;
        braces = 0;
        brackets = 0;
    }
}
