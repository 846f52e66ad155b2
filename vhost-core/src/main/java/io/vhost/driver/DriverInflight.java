package io.vhost.driver;

import io.vhost.device.ProtocolFeature;
import io.vhost.protocol.FrontendSession;
import io.vhost.protocol.InflightFile;
import java.io.IOException;

/**
 * The region in which back-ends note what they have in flight, which the driver keeps over the death of one
 * for the next. Thread: the one that starts and stops.
 */
final class DriverInflight implements AutoCloseable {
    private final int queues;
    private final int queueSize;
    /** Null before the first start, and with a back-end that does not track. */
    private InflightFile region;

    DriverInflight(int queues, int queueSize) {
        this.queues = queues;
        this.queueSize = queueSize;
    }

    /**
     * Agrees on the protocol with a back-end.
     *
     * @return the virtio features that it offers
     */
    long handshake(FrontendSession session, DriverConfig config) throws IOException {
        long wanted = ProtocolFeature.mask(
                ProtocolFeature.MQ, ProtocolFeature.REPLY_ACK, ProtocolFeature.STATUS);
        long offered = session.handshake(
                config.inflight() ? wanted | ProtocolFeature.INFLIGHT_SHMFD.mask() : wanted);
        if (session.queuePairs() < config.queuePairs()) {
            throw new IOException("the back-end has %d queue pairs, %d are wanted"
                    .formatted(session.queuePairs(), config.queuePairs()));
        }
        return offered;
    }

    /** Tells the device status, where that was negotiated. */
    static void status(FrontendSession session, int status) throws IOException {
        if (ProtocolFeature.STATUS.in(session.protocolFeatures())) {
            session.status(status);
        }
    }

    /**
     * Refuses a back-end that cannot go on for its predecessor.
     *
     * @param missing virtio features that it does not offer and its predecessor did
     */
    void requireAll(FrontendSession session, long missing) throws IOException {
        if (missing != 0 || !isKnownTo(session)) {
            boolean tracks = ProtocolFeature.INFLIGHT_SHMFD.in(session.protocolFeatures());
            throw new IOException(
                    "the back-end cannot go on for its predecessor: features=0x%x are missing, tracks=%b"
                            .formatted(missing, tracks));
        }
    }

    /** Begins a new region, for rings that are new. Nothing happens where tracking was not negotiated. */
    void begin(FrontendSession session) throws IOException {
        close();
        if (ProtocolFeature.INFLIGHT_SHMFD.in(session.protocolFeatures())) {
            region = session.createInflight(queues, queueSize);
            session.inflight(region);
        }
    }

    /** Whether there is a region that a next back-end would have to know. */
    boolean isKept() {
        return region != null;
    }

    /** Whether a back-end knows what a region is, if there is one. */
    boolean isKnownTo(FrontendSession session) {
        return !isKept() || ProtocolFeature.INFLIGHT_SHMFD.in(session.protocolFeatures());
    }

    /** Gives the region to a back-end that goes on. */
    void goOn(FrontendSession session) throws IOException {
        if (region != null) {
            session.inflight(region);
        }
    }

    @Override
    public void close() {
        if (region != null) {
            region.close();
            region = null;
        }
    }
}
