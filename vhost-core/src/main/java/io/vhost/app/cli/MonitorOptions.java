package io.vhost.app.cli;

import io.vhost.monitor.MonitorConfig;
import io.vhost.monitor.MonitorServer;
import io.vhost.monitor.MonitoredDevices;
import io.vhost.monitor.command.Command;
import java.io.IOException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.List;
import java.util.Set;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** A look into the running program: options of several commands. */
public final class MonitorOptions {
    @Option(
            names = "--monitor",
            paramLabel = "PATH",
            description = "Let operators look in: speak QMP, as QEMU does, on this socket.")
    private Path path;

    @Option(
            names = "--monitor-socket-mode",
            paramLabel = "MODE",
            converter = SocketOptions.Mode.class,
            description = "Permissions of that socket's file, such as 660 to let the group connect; 600 by"
                    + " default.")
    private Set<PosixFilePermission> permissions;

    @Option(
            names = "--monitor-uid",
            paramLabel = "UID[,UID...]",
            hideParamSyntax = true,
            split = ",",
            description = "Serve these users only, of those who can open the socket.")
    private List<Integer> users = List.of();

    @Option(
            names = "--monitor-gid",
            paramLabel = "GID[,GID...]",
            hideParamSyntax = true,
            split = ",",
            description = "Serve processes of these groups, and nobody else beside the users named.")
    private List<Integer> groups = List.of();

    @Option(
            names = "--monitor-mutating",
            description = "Let them change something, too: quit, x-vhost-stats-reset, programs and their"
                    + " maps, captures.")
    private boolean mutating;

    @Spec(Spec.Target.MIXEE)
    private CommandSpec spec;

    /**
     * Begins to listen, if that is asked for.
     *
     * @param name of the program
     * @param devices that can be looked at
     * @param commands of the program's own
     * @param end is called when somebody wants the program to end
     * @return the monitor; null if there is none
     * @throws IOException if the path cannot be used
     */
    public MonitorServer open(
            String name, MonitoredDevices devices, List<Command> commands, Runnable end) throws IOException {
        if (path == null) {
            if (permissions != null || mutating || !users.isEmpty() || !groups.isEmpty()) {
                throw new ParameterException(spec.commandLine(), "--monitor-... is for a --monitor");
            }
            return null;
        }
        MonitorConfig.Builder config = MonitorConfig.builder().name(name).devices(devices).onQuit(end);
        if (permissions != null) {
            config.permissions(permissions);
        }
        if (mutating) {
            config.mutating();
        }
        commands.forEach(config::command);
        users.forEach(config::allowUser);
        groups.forEach(config::allowGroup);
        return MonitorServer.listen(path, config.build());
    }
}
