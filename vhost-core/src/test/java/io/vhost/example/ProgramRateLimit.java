package io.vhost.example;

import io.vhost.device.DeviceListener;
import io.vhost.device.PacketPorts;
import io.vhost.device.ProgramChain;
import io.vhost.device.VhostDevice;
import io.vhost.program.ProgramMap;
import io.vhost.program.ProgramObject;
import io.vhost.program.ProgramOptions;
import io.vhost.program.ProgramRefusedException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;

/** Lets so many packets of each address pass in a while; {@code ratelimit.c} decides. */
public final class ProgramRateLimit implements DeviceListener {
    private static final int SHOWN = 1000;

    private final ProgramChain programs = ProgramChain.fromGuest("guests", 1, PacketPorts.NONE);
    private final ProgramMap sources;

    /** A limit for each address. */
    public ProgramRateLimit(Path file, long packets, Duration each)
            throws IOException, ProgramRefusedException {
        ProgramOptions options = ProgramOptions.defaults()
                .set("limit", packets).set("window", each.toNanos());
        ProgramObject object = ProgramObject.load(file, options);
        programs.attach("limit", object.program("ratelimit"));
        sources = object.map("sources");
    }

    /** Packets that were held back, by address as the machine reads its bytes. */
    public Map<Long, Long> dropped() {
        Map<Long, Long> dropped = new TreeMap<>();
        for (ProgramMap.Entry source : sources.entries(SHOWN)) {
            Map<?, ?> counts = (Map<?, ?>) source.values().getFirst();
            dropped.put((Long) source.key(), (Long) counts.get("dropped"));
        }
        return dropped;
    }

    @Override
    public void newConnection(VhostDevice device) {
        for (int i = 1; i < device.queueCount(); i += 2) {
            device.queue(i).programs(programs);
        }
    }
}
