package io.vhost.ring;

/** Both ends of one ring, as {@link RingSuite} sees them: driver first, then device. */
interface RingEnds {
    GuestWindow window();

    /** Offers a chain, all of its buffers in the direction of the ring. False when there is no room. */
    boolean offer(int token, Buffer... buffers);

    /** The same through an indirect table, which lies at {@code table} in the guest. */
    boolean offerIndirect(int token, long table, Buffer... buffers);

    void show();

    boolean needsKick();

    int poll();

    int usedLength();

    int free();

    boolean enableInterrupts();

    void disableInterrupts();

    RingViolation driverViolation();

    int gather(ChainBatch batch, int max);

    void ungather(ChainBatch batch, int count);

    void publish(ChainBatch batch);

    boolean needsInterrupt();

    boolean enableKicks();

    void disableKicks();

    int available();

    RingViolation violation();
}
