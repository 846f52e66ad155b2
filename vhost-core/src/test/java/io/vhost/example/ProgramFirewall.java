package io.vhost.example;

import io.vhost.device.DeviceListener;
import io.vhost.device.PacketPorts;
import io.vhost.device.ProgramChain;
import io.vhost.device.VhostDevice;
import io.vhost.program.ProgramMap;
import io.vhost.program.ProgramObject;
import io.vhost.program.ProgramRefusedException;
import java.io.IOException;
import java.nio.file.Path;

/** Lets no packets of guests pass to ports that are blocked; {@code portfilter.c} decides. */
public final class ProgramFirewall implements DeviceListener {
    private final ProgramChain programs = ProgramChain.fromGuest("guests", 1, PacketPorts.NONE);
    private final ProgramMap blocked;

    /** A firewall that blocks nothing yet. */
    public ProgramFirewall(Path file) throws IOException, ProgramRefusedException {
        ProgramObject object = ProgramObject.load(file);
        programs.attach("firewall", object.program("portfilter"));
        blocked = object.map("blocked");
    }

    /** Blocks a port, also under traffic. */
    public void block(long port) {
        blocked.put(port, 0L);
    }

    /** Opens it again. */
    public void open(long port) {
        blocked.remove(port);
    }

    /** Packets to a blocked port; 0 for others. */
    public long count(long port) {
        return (Long) blocked.get(port).orElse(0L);
    }

    @Override
    public void newConnection(VhostDevice device) {
        for (int i = 1; i < device.queueCount(); i += 2) {
            device.queue(i).programs(programs);
        }
    }
}
