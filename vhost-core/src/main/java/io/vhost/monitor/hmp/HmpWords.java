package io.vhost.monitor.hmp;

import io.vhost.monitor.command.CommandException;
import java.util.ArrayList;
import java.util.List;

/** Splits a line into words, of which some may stand in double quotes. */
final class HmpWords {
    private final String line;
    private int next;

    private HmpWords(String line) {
        this.line = line;
    }

    static List<String> split(String line) throws CommandException {
        HmpWords splitter = new HmpWords(line);
        List<String> words = new ArrayList<>();
        while (splitter.skipSpace()) {
            words.add(splitter.line.charAt(splitter.next) == '"' ? splitter.quoted() : splitter.plain());
        }
        return words;
    }

    /** Whether there is more than space. */
    private boolean skipSpace() {
        while (next < line.length() && Character.isWhitespace(line.charAt(next))) {
            next++;
        }
        return next < line.length();
    }

    private String plain() {
        int begin = next;
        while (next < line.length() && !Character.isWhitespace(line.charAt(next))) {
            next++;
        }
        return line.substring(begin, next);
    }

    private String quoted() throws CommandException {
        StringBuilder word = new StringBuilder();
        next++;
        while (next < line.length()) {
            char c = line.charAt(next++);
            if (c == '"') {
                return word.toString();
            }
            word.append(c == '\\' ? escaped() : c);
        }
        throw new CommandException("unterminated string");
    }

    private char escaped() throws CommandException {
        char c = next < line.length() ? line.charAt(next++) : 0;
        return switch (c) {
            case 'n' -> '\n';
            case 'r' -> '\r';
            case '\\', '\'', '"' -> c;
            default -> throw new CommandException("unsupported escape code: '\\" + c + "'");
        };
    }
}
