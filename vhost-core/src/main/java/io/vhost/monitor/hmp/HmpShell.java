package io.vhost.monitor.hmp;

import io.vhost.monitor.command.Command;
import io.vhost.monitor.command.CommandException;
import io.vhost.monitor.command.Type;
import io.vhost.monitor.dialogue.CommandTable;
import io.vhost.monitor.dialogue.Outcome;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Runs lines of the text monitor. What they print has lines that end with CRLF. Threads: any. */
public final class HmpShell {
    private static final int MAX_WORDS = 16;

    private final CommandTable commands;
    private final HmpHelp help;

    /** A shell for these commands. */
    public HmpShell(CommandTable commands) {
        this.commands = commands;
        this.help = new HmpHelp(commands);
    }

    /** Whether an application's command cannot have this name, since it is typed for something else. */
    public static boolean isOwn(String name) {
        return HmpHelp.OWN.contains(name);
    }

    /** Runs a line; what it prints. */
    public String run(String line) {
        String text;
        try {
            text = run(HmpWords.split(line));
        } catch (CommandException e) {
            text = e.getMessage() + "\n";
        }
        return text.replace("\n", "\r\n");
    }

    /** What may follow a line that is not complete. */
    HmpCompletion complete(String line) {
        try {
            List<String> words = HmpWords.split(line);
            boolean begun = !line.isEmpty() && !Character.isWhitespace(line.charAt(line.length() - 1));
            String last = begun ? words.getLast() : "";
            return HmpCompletion.of(last,
                    help.next(begun ? words.subList(0, words.size() - 1) : words));
        } catch (CommandException e) {
            return HmpCompletion.of("", List.of());
        }
    }

    private String run(List<String> words) throws CommandException {
        if (words.isEmpty()) {
            return "";
        }
        if (words.size() > MAX_WORDS) {
            throw new CommandException("too many arguments, at most " + MAX_WORDS + " words");
        }
        List<String> behind = words.subList(1, words.size());
        return switch (words.getFirst()) {
            case "help", "?" -> help.text(behind);
            case "info" -> behind.isEmpty() ? help.info() : info(behind);
            case "quit", "q" -> {
                requireEnd("quit", "quit", words, 1);
                yield invoke("quit", Map.of()) instanceof Failure failure ? failure.text() : "";
            }
            default -> application(words.getFirst(), behind);
        };
    }

    private String application(String name, List<String> words) throws CommandException {
        Command command = commands.all().stream()
                .filter(commands::isApplications).filter(one -> one.name().equals(name)).findFirst()
                .orElseThrow(() -> new CommandException("unknown command: '" + name + "'"));
        Object result = invoke(name, HmpArguments.of(command, words));
        return result instanceof Failure failure ? failure.text()
                : result == null || command.result().equals(Type.EMPTY) ? "" : HmpText.any(Map.of(), result);
    }

    private String info(List<String> words) throws CommandException {
        HmpPage page = page(words.getFirst());
        if (page == null) {
            throw new CommandException("unknown command: 'info " + words.getFirst() + "'");
        }
        Map<String, Object> arguments = new LinkedHashMap<>();
        for (String given : page.parameters()) {
            boolean optional = given.startsWith("[");
            String parameter = optional ? given.substring(1, given.length() - 1) : given;
            int index = arguments.size() + 1;
            boolean integer = parameter.equals("queue") || parameter.equals("index");
            if (index >= words.size() && optional) {
                break;
            }
            if (index >= words.size()) {
                throw new CommandException(page.name() + ": " + (integer ? "expression" : "string")
                        + " expected" + tryHelp("info " + page.name()));
            }
            arguments.put(parameter, integer ? number(page.name(), words.get(index)) : words.get(index));
        }
        requireEnd(page.name(), "info " + page.name(), words, arguments.size() + 1);
        Object result = invoke(page.command(), arguments);
        return result == null ? "" : result instanceof Failure failure ? failure.text()
                : page.text().apply(arguments, result);
    }

    /** A command that failed, as text. */
    private record Failure(String text) {}

    private Object invoke(String name, Map<String, Object> arguments) {
        try {
            Command command = commands.find(name);
            Outcome outcome = Outcome.of(command, command.check(arguments));
            return outcome.error() == null ? outcome.result() : failure(outcome.error());
        } catch (CommandException e) {
            return failure(e);
        }
    }

    private static Failure failure(CommandException error) {
        return new Failure("Error: " + error.getMessage() + "\n");
    }

    private static long number(String page, String word) throws CommandException {
        try {
            return Long.decode(word);
        } catch (NumberFormatException e) {
            throw new CommandException(page + ": '" + word + "' is not a number" + tryHelp("info " + page));
        }
    }

    private static void requireEnd(String name, String topic, List<String> words, int count)
            throws CommandException {
        if (words.size() > count) {
            throw new CommandException(
                    name + ": extraneous characters at the end of line" + tryHelp(topic));
        }
    }

    private static String tryHelp(String topic) {
        return "\nTry \"help " + topic + "\" for more information";
    }

    private static HmpPage page(String name) {
        return HmpPage.INFO.stream().filter(page -> page.name().equals(name)).findFirst().orElse(null);
    }
}
