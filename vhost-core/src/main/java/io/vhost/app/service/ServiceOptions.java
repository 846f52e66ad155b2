package io.vhost.app.service;

import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** What makes a command a service: options of several commands. Thread: the command's. */
public final class ServiceOptions {
    private static final System.Logger LOGGER = System.getLogger(ServiceOptions.class.getPackageName());

    @Option(names = ConfigFile.OPTION, paramLabel = "FILE",
            description = "Take options from this file, too: a JSON object with their names, without dashes,"
                    + " and their values. Those of the command line come before them.")
    @SuppressWarnings("UnusedVariable")   // ConfigFile looks for it before picocli does
    private Path config;

    @Option(names = "--log", paramLabel = "FORMAT",
            description = "What log lines look like: plain (default), time, with the time before them, or"
                    + " json.")
    private LogFormat log = LogFormat.PLAIN;

    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    private ConfigFile file = ConfigFile.none();

    /**
     * The sockets that a service manager has opened for this process (LISTEN_FDS); has logs look as they
     * should, and so is to be called first.
     *
     * @throws ParameterException if the manager's variables cannot be understood
     */
    public List<InheritedPort> begin() {
        log.apply();
        try {
            return InheritedPort.of(System.getenv(), ProcessHandle.current().pid());
        } catch (IllegalArgumentException e) {
            throw new ParameterException(command.commandLine(), e.getMessage(), e);
        }
    }

    /**
     * Reads the file that a command line names, for the command and its options.
     *
     * @param line all commands
     * @param args the name of one of them, and its words
     * @throws IOException if the file cannot be read
     * @throws ParameterException if it is not understood; the text has file, line and column
     */
    public static ConfigFile read(CommandLine line, String... args) throws IOException {
        ConfigFile config = ConfigFile.of(line, args);
        if (config.isPresent()) {
            for (CommandSpec mixin : line.getSubcommands().get(args[0]).getCommandSpec().mixins().values()) {
                if (mixin.userObject() instanceof ServiceOptions service) {
                    service.file = config;
                }
            }
        }
        return config;
    }

    /** The configuration file as it was read, or none. */
    public ConfigFile file() {
        return file;
    }

    /**
     * Tells the service manager, if there is one, that the program is ready.
     *
     * @param check throws when the program does not work any more
     * @return what tells it of the end when it is closed
     * @throws IOException if it cannot be told
     */
    public ServiceManager ready(Runnable check) throws IOException {
        return begin(check, Optional.empty());
    }

    /**
     * The same, and from now on SIGHUP has the configuration file read again, if there is one.
     *
     * @param check throws when the program does not work any more
     * @param reload takes over what has changed; on a thread of the signal's
     * @return what tells the manager of the end when it is closed
     * @throws IOException if it cannot be told
     */
    public ServiceManager ready(Runnable check, Consumer<ConfigFile> reload) throws IOException {
        return begin(check, file.isPresent() ? Optional.of(() -> reload(reload)) : Optional.empty());
    }

    private static ServiceManager begin(Runnable check, Optional<Runnable> hangUp) throws IOException {
        return ServiceManager.ready(System.getenv(), ProcessHandle.current().pid(), check, hangUp);
    }

    private void reload(Consumer<ConfigFile> reload) {
        try {
            reload.accept(file.again());
        } catch (IOException | ParameterException e) {
            LOGGER.log(Level.WARNING, "nothing has changed: " + e.getMessage());
        }
    }
}
