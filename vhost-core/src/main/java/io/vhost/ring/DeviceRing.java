package io.vhost.ring;

import io.vhost.memory.AddressTranslator;
import io.vhost.memory.DirtyLog;
import io.vhost.memory.GuestMemory;
import io.vhost.state.RingElement;
import io.vhost.state.RingPositions;
import io.vhost.state.RingViolation;
import java.lang.foreign.MemorySegment;

/**
 * Device side of a virtqueue (virtio 1.2, 2.6): what a queue needs of its ring, whatever the format.
 *
 * <p>Thread: the holder of the queue's lock. Memory order: {@link #gather} acquires what the driver has
 * published, the two {@code publish} release what the device has used. Lengths are bytes. Calls are made once
 * a burst.
 *
 * <p>Chains are given back in the order in which the caller publishes them. Where VIRTIO_F_IN_ORDER was
 * negotiated that has to be the order in which they were gathered (virtio 1.2, 2.7.9 and 2.8.8); it is in any
 * case the order of a batch.
 */
public abstract sealed class DeviceRing permits SplitRing, PackedRing {
    /** The guest address of the device area is not known, or writes to it are not to be logged. */
    public static final long NOT_LOGGED = WriteLog.NOT_LOGGED;

    final MemorySegment memory;
    final AddressTranslator translator;
    final int size;
    final RingOptions options;
    final ChainBuilder chain;
    final WriteLog writeLog;

    WorkBudget budget = new WorkBudget();
    private boolean kicksWanted;
    private RingViolation violation;
    private long violationDetail;

    DeviceRing(GuestMemory memory, int size, RingOptions options) {
        this.memory = memory.window();
        this.translator = new AddressTranslator(memory);
        this.size = size;
        this.options = options;
        this.chain = new ChainBuilder(translator, size, options);
        this.writeLog = new WriteLog(translator);
    }

    /**
     * Says what the work for chains is charged to from now on.
     *
     * @param newBudget of the queue, which outlives its rings: a debt does not end with a restart
     */
    public final void charge(WorkBudget newBudget) {
        budget = newBudget;
        chain.charge(newBudget);
    }

    /** What the work for chains is charged to. */
    public final WorkBudget budget() {
        return budget;
    }

    /** The window that ring and buffers lie in. */
    public final MemorySegment memory() {
        return memory;
    }

    /** Entries of the ring. */
    public final int size() {
        return size;
    }

    /** Chains that were published since the ring was opened, as a free-running number. */
    public abstract int published();

    /**
     * Where a successor goes on, coded as front-ends do ({@link RingFormat#resume}): the next chain to give
     * back. Chains that were taken and not given back are taken again, as long as chains are given back in
     * the order in which they were taken: of any other order a position cannot tell which are missing.
     */
    public abstract int base();

    /**
     * Notes from now on what is in flight, and begins with what a predecessor has noted: a split ring takes
     * those chains first, in the order in which they were taken then; a packed ring goes on at the used
     * position that is noted, whatever its base was, and takes them from there. A region that contradicts
     * itself or the ring is a {@link #violation}. Before anything else, but for {@link #logWrites}.
     *
     * @param region the queue's part of an in-flight region, of {@link RingFormat#inflightBytes}; zeros for a
     *     region that nobody has used, which begins at the ring's base, in a split ring the used index
     */
    public abstract void track(MemorySegment region);

    /**
     * Nothing that is noted of chains in flight counts any more: {@link #base} was told to the front-end,
     * which says where the ring goes on, or begins. The last call for this ring, if at all.
     */
    public abstract void forgetInflight();

    /** Where the device is, for those who look on. */
    public abstract RingPositions positions();

    /**
     * What the driver has offered at a position, for those who look on: nothing is checked, taken or counted.
     *
     * @param guest the memory that the ring lies in
     * @param position counted as {@link RingPositions} does, a wrap counter in bit 15 is left aside; taken
     *     modulo what the format has
     */
    public abstract RingElement element(GuestMemory guest, int position);

    /** Whether chains are offered that nobody took; false after a {@link #violation}. */
    public abstract boolean hasAvailable();

    /**
     * Gathers the next chains: each descriptor is read once, validated and translated. When the
     * {@linkplain #budget budget} is spent the chain under way is the last; one is taken in any case.
     *
     * @param batch receives the chains, behind those it holds
     * @param max most chains to add
     * @return chains added; fewer than {@code max} when the driver offered fewer, the batch is full, the
     *     budget is spent or {@link #violation} is set
     */
    public abstract int gather(ChainBatch batch, int max);

    /**
     * Takes back the last chains of a batch: the ring will hand them out again.
     *
     * @param batch what {@link #gather} filled
     * @param count chains to take back, 0 to {@code batch.chains()}
     */
    public abstract void ungather(ChainBatch batch, int count);

    /**
     * Gives all chains of a batch back to the driver as used and empties the batch. Everything written to
     * guest memory before is visible to the driver once it sees that they are used.
     *
     * @param batch gathered chains, each with its {@linkplain ChainBatch#written written} length
     */
    public abstract void publish(ChainBatch batch);

    /**
     * Leaves the first chains of a batch taken, without giving them back, lets go of the others,
     * and empties the batch.
     *
     * @param batch gathered chains
     * @param count how many are kept, from the first
     */
    public final void keep(ChainBatch batch, int count) {
        ungather(batch, batch.chains() - count);
        batch.clear();
    }

    /**
     * Gives chains in flight back to the driver as used, those that were
     * {@linkplain ChainsInFlight#giveBack said} to be, in that order; the caller
     * {@linkplain ChainsInFlight#forgetReturned forgets} them. Everything written to guest memory before, by
     * whoever told the caller of it, is visible to the driver once it sees that they are used.
     *
     * @param chains what was taken
     */
    public abstract void publish(ChainsInFlight chains);

    /**
     * Whether the driver wants an interrupt for what was published since this was last asked
     * (virtio 1.2, 2.7.7.2 and 2.8.10). Ask once after each burst that published something.
     */
    public abstract boolean needsInterrupt();

    /**
     * Asks the driver for a kick when it offers the next chain (virtio 1.2, 2.7.10 and 2.8.10).
     *
     * @return true when chains are available already:
     *     work on them instead of waiting for a kick that will not come
     */
    public final boolean enableKicks() {
        kicksWanted = true;
        return askForKicks();
    }

    /** Tells the driver that no kicks are needed. It may still send some: this is a hint. */
    public final void disableKicks() {
        kicksWanted = false;
        declineKicks();
    }

    abstract boolean askForKicks();

    abstract void declineKicks();

    /** Whether kicks were asked for last. */
    public final boolean kicksWanted() {
        return kicksWanted;
    }

    /**
     * Logs what is written from now on, or no longer. What is written to a chain is logged when the chain is
     * published, before the driver can see that, and what is written to the ring right after it. The used
     * descriptors of a packed ring are no part of its device area and are logged in any case.
     *
     * @param dirtyLog where to; null: not at all. The caller sees to it that it stays mapped
     * @param deviceAreaAddress guest address of the device area, or {@link #NOT_LOGGED}
     */
    public final void logWrites(DirtyLog dirtyLog, long deviceAreaAddress) {
        writeLog.to(dirtyLog, deviceAreaAddress);
    }

    /** The rule that the driver broke, or null. A ring with a violation hands out no more chains. */
    public final RingViolation violation() {
        return violation;
    }

    /** The offending value of {@link #violation}: an index, address or length, as its text says. */
    public final long violationDetail() {
        return violationDetail;
    }

    /**
     * Fences the ring for a fault, also one found outside it, such as a packet header that is not complete.
     * The first fault is the one that counts.
     *
     * @return false
     */
    public final boolean fault(RingViolation fault, long detail) {
        if (violation == null) {
            violation = fault;
            violationDetail = detail;
        }
        return false;
    }
}
