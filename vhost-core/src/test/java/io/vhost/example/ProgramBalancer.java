package io.vhost.example;

import io.vhost.device.DeviceListener;
import io.vhost.device.PacketPorts;
import io.vhost.device.ProgramChain;
import io.vhost.device.VhostDevice;
import io.vhost.device.VirtQueue;
import io.vhost.net.Packet;
import io.vhost.program.ProgramMap;
import io.vhost.program.ProgramObject;
import io.vhost.program.ProgramOptions;
import io.vhost.program.ProgramRefusedException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;

/** Spreads flows of clients over servers, which are guests as well; {@code spread.c} decides. */
public final class ProgramBalancer {
    private final List<VirtQueue> servers = new CopyOnWriteArrayList<>();
    private final ProgramChain programs = ProgramChain.fromGuest("clients", 1, this::send);
    private final ProgramMap backends;

    /** A balancer for so many servers, which come one after the other. */
    public ProgramBalancer(Path file, int count) throws IOException, ProgramRefusedException {
        ProgramObject object = ProgramObject.load(file, ProgramOptions.defaults().set("count", count));
        programs.attach("balancer", object.program("spread"));
        backends = object.map("backends");
    }

    /** What a program redirects to a port: the servers are those from 2 on, the clients are 1. */
    private int send(int port, Packet[] packets, int offset, int count) {
        if (port < 2 || port - 2 >= servers.size()) {
            return PacketPorts.NO_PORT;
        }
        int sent = servers.get(port - 2).enqueueBurst(packets, offset, count);
        for (int i = offset; i < offset + sent; i++) {
            packets[i].release();
        }
        return sent;
    }

    /** For the socket of the clients. */
    public DeviceListener clients() {
        return new DeviceListener() {
            @Override
            public void newConnection(VhostDevice device) {
                device.queue(1).programs(programs);
            }
        };
    }

    /** For the socket of a server with this address, as {@code 52:54:00:00:00:01}. */
    public DeviceListener server(String mac) {
        return new DeviceListener() {
            @Override
            public void newDevice(VhostDevice device) {
                servers.add(device.queue(0));
                backends.put(servers.size() - 1L, Map.of("port", servers.size() + 1L, "mac", mac));
            }
        };
    }
}
