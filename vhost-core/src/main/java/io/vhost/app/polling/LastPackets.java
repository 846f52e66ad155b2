package io.vhost.app.polling;

import io.vhost.dma.DmaChannel;
import io.vhost.dma.DmaRegistry;
import io.vhost.net.PacketPool;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/**
 * The end of a program's packets, when nobody polls any more and all connections have ended. A copy may still
 * be touching some of them, which stands in a page fault of a guest's memory. Nothing ends such a copy, and
 * the program must end nevertheless. Thread: the one that closes.
 */
public final class LastPackets {
    /** A copy that lies behind the guest's time and this one is not going to end. */
    private static final long PATIENCE_NANOS = 2_000_000_000;
    private static final long LOOK_NANOS = 1_000_000;

    private LastPackets() {}

    /**
     * Frees the packets, after a limited wait for those that are withheld.
     *
     * @param pools that all packets belong to
     * @param dma whose channels have copied them, all for this program; null: there are none
     * @param putBack puts packets back whose copies have ended
     * @throws LateCopyException when some have not: no pool is closed then, and this may be called again
     */
    public static void close(List<PacketPool> pools, DmaRegistry dma, Runnable putBack) {
        long begin = System.nanoTime();
        putBack.run();
        while (withheld(dma) > 0 && System.nanoTime() - begin < PATIENCE_NANOS) {
            LockSupport.parkNanos(LOOK_NANOS);
            putBack.run();
        }
        int withheld = withheld(dma);
        if (withheld > 0) {
            throw new LateCopyException(withheld);
        }
        pools.forEach(PacketPool::close);
    }

    private static int withheld(DmaRegistry dma) {
        return dma == null ? 0 : dma.channels().stream().mapToInt(DmaChannel::packetsInFlight).sum();
    }
}
