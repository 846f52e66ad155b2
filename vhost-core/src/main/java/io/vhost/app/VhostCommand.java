package io.vhost.app;

import io.vhost.app.bpf.BpfCommand;
import io.vhost.app.cli.CommandContext;
import io.vhost.app.cli.EndSignal;
import io.vhost.app.cli.LogOutput;
import io.vhost.app.cli.Version;
import io.vhost.app.demo.DemoCommand;
import io.vhost.app.extcap.ExtcapCommand;
import io.vhost.app.forward.ForwardCommand;
import io.vhost.app.service.ConfigFile;
import io.vhost.app.service.ServiceOptions;
import io.vhost.app.top.TopCommand;
import io.vhost.app.vswitch.SwitchCommand;
import io.vhost.os.OsException;
import java.io.Console;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.charset.Charset;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Stream;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** The command {@code vhost}, which has all others. Thread: the main thread. */
@Command(
        name = "vhost",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        synopsisSubcommandLabel = "[COMMAND]",
        description = "Exchanges packets with virtual machines and DPDK processes over vhost-user.",
        commandListHeading = "%nCommands, @|bold demo|@ if none is given:%n",
        footer = {"", "@|bold vhost COMMAND --help|@ tells more about a command.",
                "Exit status: 0 done, 1 failed, 2 the command line is not understood."})
final class VhostCommand {
    private static final String DEFAULT_COMMAND = "demo";
    private static final Set<String> OWN_OPTIONS = Set.of("-h", "--help", "-V", "--version");

    private static final String UNEXPECTED = "vhost: unexpected failure, please report it";

    VhostCommand() {}

    /** Runs a command and exits with its status. */
    static void runAndExit(String[] args) {
        LogOutput.configure();
        EndSignal end = EndSignal.ofShutdown();
        int status = CommandLine.ExitCode.SOFTWARE;
        try {
            Charset charset = System.out.charset();
            PrintWriter out = new PrintWriter(System.out, false, charset);
            PrintWriter err = new PrintWriter(System.err, true, System.err.charset());
            status = run(new CommandContext(out, isTerminal(), end), err, args);
        } catch (RuntimeException | Error e) {
            unexpected(e, new PrintWriter(System.err, true, System.err.charset()));
        } finally {
            // An end of the JVM without this would wait for a command that is through.
            end.ended(status);
        }
        System.exit(status);
    }

    @SuppressWarnings("SystemConsoleNull")   // null since JDK 25, as it was before JDK 22
    private static boolean isTerminal() {
        Console console = System.console();
        return console != null && console.isTerminal();
    }

    /** The command line with all its commands. */
    static CommandLine commandLine(CommandContext context) {
        CommandLine completion = new CommandLine(new AutoComplete.GenerateCompletion());
        completion.getCommandSpec().usageMessage().hidden(true);
        CommandLine line = bare();
        commands(context).forEach((_, command) -> line.addSubcommand(command.get()));
        return ready(line.addSubcommand(new ManCommand(context)).addSubcommand(completion));
    }

    /** The same with one command only, if it can do without the others: each is a part of the start. */
    static CommandLine commandLine(CommandContext context, String name) {
        Supplier<Object> command = commands(context).get(name);
        return command == null ? commandLine(context) : ready(bare().addSubcommand(command.get()));
    }

    private static Map<String, Supplier<Object>> commands(CommandContext context) {
        Map<String, Supplier<Object>> commands = new LinkedHashMap<>();
        commands.put(DEFAULT_COMMAND, () -> new DemoCommand(context));
        commands.put("forward", () -> new ForwardCommand(context));
        commands.put("switch", () -> new SwitchCommand(context));
        commands.put("top", () -> new TopCommand(context));
        commands.put("bpf", () -> BpfCommand.commandLine(context.end()));
        commands.put("extcap", () -> new ExtcapCommand(context));
        commands.put("train", () -> new TrainCommand(VhostCommand::run));
        return commands;
    }

    private static CommandLine bare() {
        return new CommandLine(new VhostCommand());
    }

    private static CommandLine ready(CommandLine line) {
        return line.setCaseInsensitiveEnumValuesAllowed(true).setUsageHelpAutoWidth(true);
    }

    /** Runs a command; its exit status. */
    static int run(CommandContext context, PrintWriter err, String... args) {
        String[] words = withCommand(args);
        CommandLine line = commandLine(context, words[0]);
        line.setOut(context.out());
        line.setErr(err);
        line.setExecutionExceptionHandler((failure, command, _) -> report(failure, command.getErr()));
        int status = execute(line, err, words);
        if (context.out().checkError() && status == CommandLine.ExitCode.OK) {
            err.println("vhost: " + CommandContext.OUTPUT_LOST);
            return CommandLine.ExitCode.SOFTWARE;
        }
        return status;
    }

    private static int execute(CommandLine line, PrintWriter err, String... args) {
        try {
            ConfigFile file = ServiceOptions.read(line, args);
            line.setParameterExceptionHandler((refused, _) -> refuse(refused, file));
            return line.execute(file.before(args));
        } catch (ParameterException refused) {
            return refuse(refused, ConfigFile.none());
        } catch (IOException failure) {
            return report(failure, err);
        }
    }

    /**
     * The default command takes options as well, so everything that is no option of our own is
     * meant for it.
     */
    private static String[] withCommand(String[] args) {
        boolean none =
                args.length == 0 || (args[0].startsWith("-") && !OWN_OPTIONS.contains(args[0]));
        return none
                ? Stream.concat(Stream.of(DEFAULT_COMMAND), Stream.of(args)).toArray(String[]::new)
                : args;
    }

    /** Not the usage text: it would push what is wrong off the screen. */
    private static int refuse(ParameterException refused, ConfigFile file) {
        CommandLine command = refused.getCommandLine();
        PrintWriter err = command.getErr();
        err.println("vhost: " + file.place(refused.getArgSpec())
                + refused.getMessage().replaceFirst("^Error: ", ""));
        UnmatchedArgumentException.printSuggestions(refused, err);
        err.println("Try '" + command.getCommandSpec().qualifiedName() + " --help'.");
        return CommandLine.ExitCode.USAGE;
    }

    /** One line for what the user can do something about; anything else is a fault of this program. */
    private static int report(Exception failure, PrintWriter err) {
        if (failure instanceof IOException
                || failure instanceof OsException
                || failure instanceof UncheckedIOException) {
            err.println("vhost: " + failure.getMessage());
        } else {
            unexpected(failure, err);
        }
        return CommandLine.ExitCode.SOFTWARE;
    }

    private static void unexpected(Throwable failure, PrintWriter err) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof IllegalCallerException) {
                err.println("vhost: this JVM refuses native access: start it with --enable-native-access="
                        + (VhostCommand.class.getModule().isNamed() ? "io.vhost.core" : "ALL-UNNAMED"));
                return;
            }
        }
        err.println(UNEXPECTED);
        failure.printStackTrace(err);
    }
}
