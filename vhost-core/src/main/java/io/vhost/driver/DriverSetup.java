package io.vhost.driver;

import io.vhost.device.Feature;
import io.vhost.os.Descriptor;
import io.vhost.os.OsException;
import io.vhost.protocol.FrontendSession;
import io.vhost.ring.RingAddresses;
import java.io.IOException;
import java.util.List;

/**
 * What is said to one back-end after another: features, memory, rings. Thread: the one that starts and stops.
 */
final class DriverSetup implements AutoCloseable {
    /** ACKNOWLEDGE, DRIVER and FEATURES_OK (virtio 1.2, 2.1). */
    private static final int NEGOTIATED = 1 | 2 | 8;
    private static final int DRIVER_OK = 4;

    private final DriverConfig config;
    private final SharedMemory memory;
    private final DriverQueue[] queues;
    private final DriverInflight inflight;
    /** Null before the first back-end. */
    private FrontendSession session;
    private volatile long features;

    /**
     * Setup of queues with the first back-end that comes.
     *
     * @param config what to ask for
     * @param memory to share
     * @param queues whose rings it has
     */
    DriverSetup(DriverConfig config, SharedMemory memory, DriverQueue... queues) {
        this.config = config;
        this.memory = memory;
        this.queues = queues;
        this.inflight = new DriverInflight(queues.length, config.queueSize());
    }

    /** The negotiated features. Any thread. */
    long features() {
        return features;
    }

    boolean has(Feature feature) {
        return feature.in(features);
    }

    /** A step with a back-end. */
    private interface Step {
        void run(FrontendSession session) throws IOException;
    }

    /** Takes a back-end in place of the one before if {@code step} succeeds, and closes the other one. */
    private void replace(FrontendSession next, Step step) throws IOException {
        FrontendSession before = session;
        boolean complete = false;
        try {
            step.run(next);
            complete = true;
        } catch (OsException e) {
            throw new IOException(e.getMessage(), e);
        } finally {
            session = complete ? next : before;
            FrontendSession left = complete ? before : next;
            if (left != null) {
                left.close();
            }
        }
    }

    /** Agrees on features with a back-end, for rings that are new. */
    void adopt(FrontendSession next) throws IOException {
        replace(next, with -> choose(with, handshake(with)));
    }

    /** Has a back-end go on in the rings as they are, or refuses it. */
    void goOn(FrontendSession next) throws IOException {
        replace(next, with -> {
            inflight.requireAll(with, features & ~handshake(with));
            goOnWith(with);
        });
    }

    /**
     * Has a back-end go on in the rings as they are, if that is possible, else begins anew.
     *
     * @param usable whether the rings may go on
     * @param restart leaves the rings behind, for new ones
     * @return whether they go on
     */
    boolean renew(FrontendSession next, boolean usable, Runnable restart) throws IOException {
        boolean[] same = new boolean[1];
        replace(next, with -> {
            long offered = handshake(with);
            same[0] = usable && canGoOn(with, offered);
            if (same[0]) {
                goOnWith(with);
            } else {
                config.requireRings(config.choose(offered));
                restart.run();
                choose(with, offered);
                startWith(with);
            }
        });
        return same[0];
    }

    private boolean canGoOn(FrontendSession next, long offered) {
        return (features & ~offered) == 0 && inflight.isKnownTo(next) && !needsTracking();
    }

    /** Whether no back-end can go on in the rings. */
    boolean needsTracking() {
        return has(Feature.VIRTIO_F_RING_PACKED) && !inflight.isKept();
    }

    private void choose(FrontendSession with, long offered) throws IOException {
        long chosen = config.choose(offered);
        config.requireRings(chosen);
        with.features(chosen);
        DriverInflight.status(with, NEGOTIATED);
        features = chosen;
    }

    private long handshake(FrontendSession with) throws IOException {
        long offered = inflight.handshake(with, config);
        for (int i = 0; i < queues.length; i++) {
            with.call(i, queues[i].call.descriptor());
        }
        return offered;
    }

    private void goOnWith(FrontendSession with) throws IOException {
        with.features(features);
        DriverInflight.status(with, NEGOTIATED);
        with.memory(List.of(memory.region()), List.of(memory.file()));
        inflight.goOn(with);
        for (int i = 0; i < queues.length; i++) {
            describeRing(with, i);
            // A kick that was meant for the predecessor may have got lost with it.
            queues[i].kick.signal();
        }
        enableRings(with);
    }

    /** Sets the rings up from scratch, with the present back-end. */
    void start() throws IOException {
        startWith(session);
    }

    private void startWith(FrontendSession with) throws IOException {
        with.memory(List.of(memory.region()), List.of(memory.file()));
        inflight.begin(with);
        for (int i = 0; i < queues.length; i++) {
            queues[i].reset(features, i);
            queues[i].begin(features, config);
            describeRing(with, i);
        }
        enableRings(with);
    }

    private void enableRings(FrontendSession with) throws IOException {
        enable(with, true);
        DriverInflight.status(with, NEGOTIATED | DRIVER_OK);
        with.barrier();
    }

    private void enable(FrontendSession with, boolean enabled) throws IOException {
        if (has(Feature.VHOST_USER_F_PROTOCOL_FEATURES)) {
            for (int i = 0; i < queues.length; i++) {
                with.enable(i, enabled);
            }
        }
    }

    private void describeRing(FrontendSession with, int index) throws IOException {
        DriverQueue queue = queues[index];
        RingAddresses ring = queue.addresses();
        with.ringSize(index, queue.size());
        with.ringBase(index, queue.ring.successorBase());
        with.ringAddresses(
                index, memory.address(ring.desc()), memory.address(ring.avail()),
                memory.address(ring.used()), 0, 0);
        with.kick(index, queue.kick.descriptor());
    }

    /** Disables the rings. */
    void disable() throws IOException {
        enable(session, false);
    }

    /** Stops the rings one after another and takes the packets back that the device had. */
    void stopRings() throws IOException {
        for (int i = 0; i < queues.length; i++) {
            session.stopRing(i);
            queues[i].reclaimAll();
        }
    }

    boolean isConnected() {
        return session != null && session.isConnected();
    }

    /** What becomes readable when the back-end goes. */
    Descriptor connection() {
        return session.connection();
    }

    /** Leaves the back-end, and forgets what back-ends have noted. */
    @Override
    public void close() {
        if (session != null) {
            session.close();
        }
        inflight.close();
    }
}
