package io.vhost.protocol;

import io.vhost.control.DeviceControl;
import io.vhost.device.DeviceListener;
import io.vhost.device.VhostConfig;
import io.vhost.dma.DmaRegistry;
import io.vhost.limit.ResourceLimits;
import io.vhost.limit.ResourceUsage;
import io.vhost.limit.account.ResourceAccount;
import io.vhost.os.Descriptor;
import io.vhost.os.UnixSocket;
import io.vhost.testing.FuzzInput;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/**
 * What must hold for any messages that a front-end sends, with any descriptors: the session ends and throws
 * nothing, it answers what has an answer, in order, and nothing else, and whatever came in is given back.
 *
 * <p>All messages are sent before the session runs on the same thread; {@link FuzzScript} says how they are
 * made of an input. The connection then ends with a message of a version that does not exist, or before.
 */
public final class FuzzTarget {
    static final int QUEUES = 4;
    private static final DmaRegistry REGISTRY = new DmaRegistry();
    static final VhostConfig CONFIG = VhostConfig.builder()
            .queuePairs(QUEUES / 2)
            .segmentation()
            .asyncCopy(REGISTRY)
            .limits(ResourceLimits.builder().regions(8).mappedBytes(1 << 20).descriptors(24).build())
            .build();

    private FuzzTarget() {}

    /** The entry point of coverage-guided fuzzers. */
    public static void fuzzerTestOneInput(byte[] data) {
        int descriptors = Descriptor.openDescriptors();
        ResourceUsage before = ResourceAccount.ofProcess().usage();
        run(new FuzzInput(data));
        ResourceUsage after = ResourceAccount.ofProcess().usage();
        require(Descriptor.openDescriptors() == descriptors, "descriptors are left open");
        require(after.mappings() == before.mappings() && after.mappedBytes() == before.mappedBytes(),
                "memory is left: " + after);
    }

    private static void run(FuzzInput input) {
        RecordingLogger log = new RecordingLogger();
        UnixSocket[] ends = UnixSocket.pair();
        boolean vanishes = input.rarely();
        FuzzScript script;
        List<RawPeer.Answer> answers = new ArrayList<>();
        try (RawPeer peer = new RawPeer(ends[0])) {
            script = new FuzzScript(input, peer);
            script.send();
            if (vanishes) {
                ends[0].shutdown();
            }
            session(ends[1], log);
            while (!vanishes) {
                RawPeer.Answer answer = peer.receive();
                if (answer == null) {
                    break;
                }
                answers.add(answer);
            }
        }
        List<String> records = log.records();
        for (String record : records) {
            require(!record.startsWith("ERROR") && !record.contains("unexpected"), record);
        }
        if (!vanishes) {
            new ReplyModel(script.stream()).check(answers, records);
        }
    }

    private static void session(UnixSocket socket, RecordingLogger log) {
        // Time runs so fast that no record is left out.
        AtomicLong time = new AtomicLong();
        WarningLimiter warnings =
                new WarningLimiter(log, () -> time.addAndGet(WarningLimiter.NANOS_A_RECORD));
        DeviceControl device =
                DeviceControl.create("fuzz", CONFIG, new DeviceListener() {}, warnings);
        new BackendSession("fuzz", socket, device, warnings).run();
        require(!socket.descriptor().isOpen(), "the session has not closed its socket");
    }

    static void require(boolean holds, String otherwise) {
        if (!holds) {
            throw new AssertionError(otherwise);
        }
    }
}
