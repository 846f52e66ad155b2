package io.vhost.monitor.hmp;

import io.vhost.monitor.command.Command;
import io.vhost.monitor.command.Type.Member;
import io.vhost.monitor.dialogue.CommandTable;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/** What can be typed: shown by {@code help}, and put in for a TAB. */
final class HmpHelp {
    /** What the text monitor has beside the application's commands, whose names are no others. */
    static final Set<String> OWN = Set.of("help", "?", "info", "quit", "q");

    private final CommandTable commands;

    HmpHelp(CommandTable commands) {
        this.commands = commands;
    }

    /** What {@code help} prints that these words follow. */
    String text(List<String> topic) {
        boolean all = topic.isEmpty();
        String word = all ? "" : topic.getFirst();
        if (word.equals("info")) {
            return topic.size() == 1 ? info() : HmpPage.INFO.stream()
                    .filter(page -> page.name().equals(topic.get(1))).map(HmpHelp::line).findFirst()
                    .orElse("");
        }
        StringBuilder lines = new StringBuilder();
        if (all || word.equals("help") || word.equals("?")) {
            lines.append("help|? [cmd] -- show the help\n");
        }
        if (all) {
            lines.append("info [subcommand] -- show various information about the application\n");
        }
        if (all || word.equals("quit") || word.equals("q")) {
            lines.append("quit|q -- end the application\n");
        }
        for (Command command : commands.application()) {
            if (all || command.name().equals(word)) {
                lines.append(HmpArguments.usage(command)).append(" -- ").append(command.help()).append('\n');
            }
        }
        return lines.toString();
    }

    /** What {@code info} prints. */
    String info() {
        StringBuilder text = new StringBuilder();
        HmpPage.INFO.forEach(page -> text.append(line(page)));
        return text.toString();
    }

    private static String line(HmpPage page) {
        return "info " + page.usage() + " -- " + page.help() + "\n";
    }

    /** The words that may stand behind these. */
    List<String> next(List<String> words) {
        if (words.isEmpty()) {
            return top();
        }
        String first = words.getFirst();
        boolean help = first.equals("help") || first.equals("?");
        if (help && words.size() == 1) {
            return top();
        }
        if (words.getLast().equals("info") && words.size() == (help ? 2 : 1)) {
            return HmpPage.INFO.stream().map(HmpPage::name).toList();
        }
        List<String> choices = new ArrayList<>();
        for (Command command : commands.application()) {
            List<Member> members = HmpArguments.inOrder(command);
            if (command.name().equals(first) && words.size() <= members.size()) {
                choices.addAll(HmpArguments.choices(members.get(words.size() - 1).type()));
            }
        }
        return choices;
    }

    private List<String> top() {
        return Stream.concat(Stream.of("help", "info", "quit"),
                commands.application().stream().map(Command::name)).toList();
    }
}
