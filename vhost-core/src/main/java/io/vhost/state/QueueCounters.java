package io.vhost.state;

/**
 * What has happened on one queue since it was created. Counters only grow.
 *
 * <p>Any thread, without a lock; a value is never torn, but two values read one after the other may stem from
 * different bursts.
 */
public interface QueueCounters {
    /** The things that are counted. */
    public enum Counter {
        /** Packets moved between application and guest. */
        PACKETS,
        /** Bytes of those packets, without the virtio-net header. */
        BYTES,
        /** Packets from the guest that were dropped because no packet of the pool could hold them. */
        OVERSIZE,
        /** Packets to the guest that were dropped because its buffers can never hold them. */
        NO_ROOM,
        /**
         * Packets dropped because their offload fields contradict their length or ask
         * for what is not negotiated.
         */
        BAD_OFFLOAD,
        /** Packets whose checksum was completed in software because the guest does not take partial ones. */
        SOFTWARE_CHECKSUM,
        /** Bursts that moved less than they could because the packet pool was empty. */
        POOL_EMPTY,
        /**
         * Bursts that did nothing because chains of bursts before them had been more work than the packets in
         * them are worth.
         */
        WORK_LIMITED,
        /** Bursts that did nothing because another thread held the queue's lock. */
        BUSY,
        /** Interrupts sent to the guest. */
        INTERRUPTS,
        /** Bursts after which the guest wanted no interrupt. */
        INTERRUPTS_SUPPRESSED,
        /** Interrupts that could not be sent. */
        INTERRUPTS_FAILED,
        /** Packets accepted for asynchronous copies. */
        SUBMITTED,
        /** Packets whose asynchronous copies have ended, well or not. */
        COMPLETED,
        /** Packets of those that were not delivered. */
        COPY_FAILED,
        /** Bursts that ended early because the DMA channel was full. */
        TRUNCATED,
        /** Packets whose copies took longer than the configured threshold. */
        COPY_STALLS,
        /** Calls of a {@code ThreadUnsafe} method without the lock. */
        LOCK_MISUSE,
        /** Calls of a safe control method by a thread that held the lock already. */
        REENTRANT_CALLS
    }

    /** The present value of {@code counter}. */
    long get(Counter counter);

    /** How often the guest broke this rule of the ring. */
    long get(RingViolation violation);
}
