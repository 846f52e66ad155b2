package io.vhost.device.packet;

import io.vhost.ring.ChainBatch;
import io.vhost.ring.DeviceRing;
import io.vhost.state.RingViolation;

/** The rule of network queues that all buffers go one way (virtio 1.2, 5.1.6). Under the queue's lock. */
final class NetworkChains {
    private NetworkChains() {}

    /**
     * Gathers chains as {@link DeviceRing#gather} does, up to the first that has a buffer of the other
     * direction: for that one the ring is fenced.
     *
     * @param toGuest the device writes all buffers; false: it reads them
     * @return chains added
     */
    static int gather(DeviceRing ring, ChainBatch batch, int max, boolean toGuest) {
        int added = ring.gather(batch, max);
        return batch.isOneWay(toGuest) ? added : added - cut(ring, batch, toGuest);
    }

    private static int cut(DeviceRing ring, ChainBatch batch, boolean toGuest) {
        int chain = 0;
        while (batch.firstWritable(chain) == (toGuest ? batch.firstBuffer(chain) : batch.endBuffer(chain))) {
            chain++;
        }
        ring.fault(RingViolation.WRONG_DIRECTION, batch.id(chain));
        int count = batch.chains() - chain;
        ring.ungather(batch, count);
        return count;
    }
}
