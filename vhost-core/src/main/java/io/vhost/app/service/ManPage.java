package io.vhost.app.service;

import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;
import picocli.CommandLine.Model.UsageMessageSpec;

/**
 * A command's help as a page for man(1), in the macros of man(7).
 *
 * <p>Picocli's own generator writes AsciiDoc, which takes a Ruby program to become a man page. Thread: one.
 */
public final class ManPage {
    private final CommandSpec spec;
    private final PrintWriter out;

    private ManPage(CommandSpec spec, PrintWriter out) {
        this.spec = spec;
        this.out = out;
    }

    /** Writes the page of a command. */
    public static void write(CommandLine command, PrintWriter out) {
        new ManPage(command.getCommandSpec(), out).write();
    }

    private void write() {
        UsageMessageSpec usage = spec.usageMessage();
        String name = spec.qualifiedName("-");
        String[] summary = usage.header().length > 0 ? usage.header() : usage.description();
        out.printf(".TH %s 1 \"\" vhost%n", escaped(name.toUpperCase(Locale.ROOT)));
        out.printf(".SH NAME%n%s \\- %s%n", escaped(name), text(summary.length > 0 ? summary[0] : ""));
        out.println(".SH SYNOPSIS");
        lines(usage.customSynopsis().length > 0 ? usage.customSynopsis()
                : new String[] {new CommandLine.Help(spec, Help.PLAIN).synopsis(0).strip()});
        out.println(".SH DESCRIPTION");
        paragraphs(usage.description());
        if (!spec.subcommands().isEmpty()) {
            commands();
        }
        options();
        if (usage.footer().length > 0) {
            out.println(".SH NOTES");
            paragraphs(usage.footer());
        }
        out.println(".SH \"EXIT STATUS\"");
        out.println("0: done, 1: failed, 2: the command line is not understood.");
    }

    private void commands() {
        out.println(".SH COMMANDS");
        spec.subcommands().forEach((name, command) -> {
            UsageMessageSpec usage = command.getCommandSpec().usageMessage();
            if (!usage.hidden()) {
                entry(escaped(name), usage.header().length > 0 ? usage.header() : usage.description());
            }
        });
    }

    private void options() {
        out.println(".SH OPTIONS");
        for (PositionalParamSpec parameter : spec.positionalParameters()) {
            if (!parameter.hidden()) {
                entry("\\fI" + escaped(parameter.paramLabel()) + "\\fR", parameter.description());
            }
        }
        for (OptionSpec option : spec.options()) {
            if (!option.hidden()) {
                List<String> names = Stream.of(option.names()).map(each -> "\\fB" + escaped(each) + "\\fR")
                        .toList();
                String value = " \\fI" + escaped(option.paramLabel()) + "\\fR";
                entry(String.join(", ", names) + (option.arity().max() == 0 ? "" : value),
                        option.description());
            }
        }
    }

    private void entry(String head, String[] description) {
        out.println(".TP");
        out.println(head);
        lines(description);
    }

    private void paragraphs(String[] texts) {
        for (String each : texts) {
            out.println(".PP");
            lines(each);
        }
    }

    private void lines(String... texts) {
        for (String each : texts) {
            text(each).lines().filter(line -> !line.isBlank()).forEach(out::println);
        }
    }

    /** Without the marks that colour it on a terminal. */
    private static String text(String marked) {
        return escaped(Help.PLAIN.ansi().string(marked.replace("%n", "\n").replace("%%", "%")));
    }

    private static String escaped(String plain) {
        String text = plain.replace("\\", "\\e").replace("-", "\\-");
        return text.startsWith(".") || text.startsWith("'") ? "\\&" + text : text;
    }

    /** Help without colours. */
    private static final class Help {
        private static final CommandLine.Help.ColorScheme PLAIN =
                CommandLine.Help.defaultColorScheme(Ansi.OFF);

        private Help() {}
    }
}
