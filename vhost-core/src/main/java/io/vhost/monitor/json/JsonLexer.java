package io.vhost.monitor.json;

import java.util.function.Consumer;

/**
 * Cuts bytes into words, one byte at a time. After a byte that cannot be, everything up to the next place
 * where a message may begin is skipped: a bracket, colon or comma, a control character other than TAB, or
 * 0xFE, 0xFF.
 *
 * <p>Thread: one.
 */
final class JsonLexer {
    private enum State {
        START, RECOVERY, KEYWORD, STRING, ESCAPE, SIGN, ZERO, DIGITS, POINT, FRACTION, EXPONENT,
        EXPONENT_SIGN, EXPONENT_DIGITS
    }

    private final TokenBuffer word;
    private final Consumer<TokenKind> ended;
    private State state = State.START;
    private char quote;

    /** A lexer that puts bytes into {@code word}, and says which sort of word has ended with the last one. */
    JsonLexer(TokenBuffer word, Consumer<TokenKind> ended) {
        this.word = word;
        this.ended = ended;
    }

    /** Gives the word up that is not complete; what follows is skipped up to where a message may begin. */
    void abandon() {
        state = State.RECOVERY;
    }

    /** Takes the next byte, 0 to 255. */
    void accept(int octet) {
        char c = (char) octet;
        if (!take(c)) {
            // The byte ended a word without being a part of it.
            take(c);
        }
    }

    /** Whether the byte was used up. */
    private boolean take(char c) {
        return switch (state) {
            case START -> start(c);
            case RECOVERY -> recover(c);
            case KEYWORD -> (c >= 'a' && c <= 'z') ? append(c, State.KEYWORD) : end(TokenKind.KEYWORD);
            case STRING -> string(c);
            case ESCAPE -> isText(c) ? append(c, State.STRING) : stray(c);
            case SIGN -> c == '0' ? append(c, State.ZERO) : isDigit(c) ? append(c, State.DIGITS) : stray(c);
            case ZERO -> isDigit(c) ? stray(c) : integer(c);
            case DIGITS -> isDigit(c) ? append(c, State.DIGITS) : integer(c);
            case POINT -> isDigit(c) ? append(c, State.FRACTION) : stray(c);
            case FRACTION -> isDigit(c) ? append(c, State.FRACTION)
                    : isExponent(c) ? append(c, State.EXPONENT) : end(TokenKind.FLOAT);
            case EXPONENT -> isDigit(c) ? append(c, State.EXPONENT_DIGITS)
                    : (c == '+' || c == '-') ? append(c, State.EXPONENT_SIGN) : stray(c);
            case EXPONENT_SIGN -> isDigit(c) ? append(c, State.EXPONENT_DIGITS) : stray(c);
            case EXPONENT_DIGITS -> isDigit(c) ? append(c, State.EXPONENT_DIGITS) : end(TokenKind.FLOAT);
        };
    }

    private boolean start(char c) {
        return switch (c) {
            case ' ', '\t', '\r', '\n' -> true;
            case '{' -> single(TokenKind.OBJECT_BEGIN, c);
            case '}' -> single(TokenKind.OBJECT_END, c);
            case '[' -> single(TokenKind.ARRAY_BEGIN, c);
            case ']' -> single(TokenKind.ARRAY_END, c);
            case ':' -> single(TokenKind.COLON, c);
            case ',' -> single(TokenKind.COMMA, c);
            case '"', '\'' -> {
                quote = c;
                yield append(c, State.STRING);
            }
            case '-' -> append(c, State.SIGN);
            case '0' -> append(c, State.ZERO);
            default -> isDigit(c) ? append(c, State.DIGITS)
                    : (c >= 'a' && c <= 'z') ? append(c, State.KEYWORD) : stray(c);
        };
    }

    private boolean recover(char c) {
        boolean begins = switch (c) {
            case '{', '}', '[', ']', ':', ',' -> true;
            case '\t' -> false;
            default -> c < 0x20 || c >= 0xFE;
        };
        if (begins) {
            state = State.START;
        }
        return !begins;
    }

    private boolean string(char c) {
        if (c == quote) {
            word.append(c);
            emit(TokenKind.STRING);
            return true;
        }
        return c == '\\' ? append(c, State.ESCAPE) : isText(c) ? append(c, State.STRING) : stray(c);
    }

    private boolean integer(char c) {
        return c == '.' ? append(c, State.POINT) : isExponent(c) ? append(c, State.EXPONENT)
                : end(TokenKind.INTEGER);
    }

    private boolean append(char c, State next) {
        word.append(c);
        state = next;
        return true;
    }

    private boolean single(TokenKind kind, char c) {
        word.append(c);
        emit(kind);
        return true;
    }

    private boolean end(TokenKind kind) {
        emit(kind);
        return false;
    }

    private boolean stray(char c) {
        word.append(c);
        emit(TokenKind.STRAY);
        state = State.RECOVERY;
        return true;
    }

    private void emit(TokenKind kind) {
        state = State.START;
        ended.accept(kind);
    }

    private static boolean isText(char c) {
        return c >= 0x20 && c <= 0xFD;
    }

    private static boolean isDigit(char c) {
        return c >= '0' && c <= '9';
    }

    private static boolean isExponent(char c) {
        return c == 'e' || c == 'E';
    }
}
