package io.vhost.monitor.device;

import io.vhost.monitor.command.Command;
import java.util.ArrayList;
import java.util.List;

/** All commands about devices. */
public final class DeviceCommands {
    private DeviceCommands() {}

    /** The commands, for these devices. Where counters begin again is known to the commands of one call. */
    public static List<Command> of(DeviceRegistry devices) {
        List<Command> commands = new ArrayList<>(new VirtioCommands(devices).commands());
        commands.addAll(new VhostCommands(devices).commands());
        commands.add(ResourceCommand.create());
        commands.addAll(new StatsCommands(devices).commands());
        return commands;
    }
}
