package io.vhost.monitor.hmp;

import io.vhost.monitor.command.Command;
import io.vhost.monitor.command.CommandException;
import io.vhost.monitor.dialogue.CommandTable;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Runs lines of the text monitor. What they print has lines that end with CRLF. Threads: any. */
public final class HmpShell {
    private static final int MAX_WORDS = 16;

    private final CommandTable commands;

    /** A shell for these commands. */
    public HmpShell(CommandTable commands) {
        this.commands = commands;
    }

    /** One line as a command without arguments, to be run as others are. */
    Command command(String line) {
        return Command.named("human").runs(_ -> run(line));
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

    private String run(List<String> words) throws CommandException {
        if (words.isEmpty()) {
            return "";
        }
        if (words.size() > MAX_WORDS) {
            throw new CommandException("too many arguments, at most " + MAX_WORDS + " words");
        }
        return switch (words.getFirst()) {
            case "help", "?" -> help(words.subList(1, words.size()));
            case "info" -> words.size() == 1 ? infoHelp() : info(words.subList(1, words.size()));
            case "quit", "q" -> {
                requireEnd("quit", "quit", words, 1);
                yield invoke("quit", Map.of()) instanceof Failure failure ? failure.text() : "";
            }
            default -> throw new CommandException("unknown command: '" + words.getFirst() + "'");
        };
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
            return command.run(command.check(arguments));
        } catch (CommandException e) {
            return new Failure("Error: " + e.getMessage() + "\n");
        }
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

    private static String help(List<String> topic) {
        List<String> lines = new ArrayList<>();
        if (topic.isEmpty() || topic.getFirst().equals("help")) {
            lines.add("help|? [cmd] -- show the help");
        }
        if (topic.isEmpty()) {
            lines.add("info [subcommand] -- show various information about the application");
        }
        if (topic.isEmpty() || topic.getFirst().equals("quit") || topic.getFirst().equals("q")) {
            lines.add("quit|q -- end the application");
        }
        if (!topic.isEmpty() && topic.getFirst().equals("info")) {
            HmpPage page = topic.size() > 1 ? page(topic.get(1)) : null;
            if (topic.size() == 1) {
                return infoHelp();
            }
            if (page != null) {
                lines.add(infoLine(page));
            }
        }
        return lines.isEmpty() ? "" : String.join("\n", lines) + "\n";
    }

    private static String infoHelp() {
        StringBuilder text = new StringBuilder();
        HmpPage.INFO.forEach(page -> text.append(infoLine(page)).append('\n'));
        return text.toString();
    }

    private static String infoLine(HmpPage page) {
        return "info " + page.usage() + " -- " + page.help();
    }
}
