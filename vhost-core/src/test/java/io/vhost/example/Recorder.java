package io.vhost.example;

import io.vhost.capture.Capture;
import io.vhost.capture.CaptureOptions;
import io.vhost.device.DeviceListener;
import io.vhost.device.PacketPorts;
import io.vhost.device.ProgramChain;
import io.vhost.device.VhostDevice;
import java.io.IOException;
import java.nio.file.Path;

/** Records what a guest sends, and what it is sent. */
public final class Recorder implements DeviceListener, AutoCloseable {
    private final ProgramChain fromGuest = ProgramChain.fromGuest("guest", 1, PacketPorts.NONE);
    private final ProgramChain toGuest = ProgramChain.toGuest("guest", 1);
    private final Capture capture;

    /** Records to a file. */
    public Recorder(Path file) throws IOException {
        capture = Capture.start(file, CaptureOptions.defaults().snapLength(128));
        capture.add(fromGuest);
        capture.add(toGuest);
    }

    /** Packets that could not be kept. */
    public long dropped() {
        return capture.counters().stream().mapToLong(queue -> queue.dropped()).sum();
    }

    @Override
    public void newConnection(VhostDevice device) {
        for (int i = 0; i < device.queueCount(); i++) {
            device.queue(i).programs(i % 2 == 0 ? toGuest : fromGuest);
        }
    }

    @Override
    public void close() {
        capture.close();
    }
}
