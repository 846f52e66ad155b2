package io.vhost.net;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * A fixed number of packets on one native slab. The packet released last is taken first, since its bytes are
 * still in the cache.
 *
 * <p>Thread safe. Each call takes the pool's lock once, a burst of any size included, and never calls
 * anything else with it. Taking and releasing allocate nothing.
 *
 * <p>Memory synchronization: what a thread did to a packet before it released it happens before the next take
 * of that packet returns.
 *
 * <p>A call that is refused changes nothing.
 *
 * <pre>
 *   slab  | buffer 0            | gap | buffer 1            | gap | ...
 *         |&lt;-- buffer size ---&gt;|
 *         |&lt;-------- stride -------&gt;|      an odd number of 64-byte cache lines
 * </pre>
 * The odd stride keeps the buffers, and the first bytes of the packets in them, on different lines of a 4 KiB
 * page: with 2048 bytes a store to one packet would delay loads from every second other one (the processor
 * compares only the low 12 bits at first), and they would all compete for the same few sets of the cache.
 */
public final class PacketPool implements AutoCloseable {
    /** Bytes in front of the data by default: two cache lines, room for a virtio-net header and tunnels. */
    public static final int DEFAULT_HEADROOM = 128;
    /** The largest buffer. */
    public static final int MAX_BUFFER_SIZE = 1 << 24;

    private static final int CACHE_LINE = 64;
    private static final int NAMED_LEAKS = 8;

    private final MemorySegment slab;
    private final Arena arena;        // null when the slab is somebody else's
    private final int bufferSize;
    private final int headroom;
    private final Packet[] packets;
    private final Object lock = new Object();

    // A stack of packet indices: free[0, available) are in the pool, what lies above is stale. Indices and
    // not references, because the garbage collector wants to know of each reference stored.
    @GuardedBy("lock")
    private final int[] free;

    @GuardedBy("lock")
    private int available;

    @GuardedBy("lock")
    private boolean closed;

    private PacketPool(MemorySegment slab, Arena arena, int packetCount, int bufferSize, int headroom) {
        this.slab = slab;
        this.arena = arena;
        this.bufferSize = bufferSize;
        this.headroom = headroom;
        this.packets = new Packet[packetCount];
        this.free = new int[packetCount];
        this.available = packetCount;
        for (int i = 0; i < packetCount; i++) {
            packets[i] = new Packet(this, slab, i, i * stride(bufferSize), bufferSize, headroom);
            free[packetCount - 1 - i] = i;
        }
    }

    /**
     * A pool with memory of its own and {@link #DEFAULT_HEADROOM}.
     *
     * @param packets how many, at least 1
     * @param bufferSize bytes of one buffer, headroom included: more than {@link #DEFAULT_HEADROOM}, at most
     *     {@link #MAX_BUFFER_SIZE}
     * @return the pool; close it to free its memory
     * @throws IllegalArgumentException if a value is out of range
     */
    public static PacketPool create(int packets, int bufferSize) {
        checkSizes(packets, bufferSize, DEFAULT_HEADROOM);
        Arena arena = Arena.ofShared();
        try {
            MemorySegment slab = arena.allocate(slabSize(packets, bufferSize), CACHE_LINE);
            return new PacketPool(slab, arena, packets, bufferSize, DEFAULT_HEADROOM);
        } catch (Throwable e) {
            arena.close();
            throw e;
        }
    }

    /**
     * A pool over memory that somebody else owns, such as the memory a driver shares with its device. It must
     * stay mapped until the pool is closed, which does not free it.
     *
     * @param slab native memory, at a multiple of 64; buffer {@code i} begins at {@code i} strides
     * @param packets how many, at least 1
     * @param bufferSize bytes of one buffer, headroom included: at least 1, at most {@link #MAX_BUFFER_SIZE}
     * @param headroom bytes in front of the data by default, 0 to {@code bufferSize - 1}
     * @return the pool
     * @throws IllegalArgumentException if a value is out of range, or the slab is on the heap, misaligned,
     *     read-only or smaller than {@link #slabSize}
     */
    public static PacketPool over(MemorySegment slab, int packets, int bufferSize, int headroom) {
        checkSizes(packets, bufferSize, headroom);
        if (!slab.isNative() || slab.isReadOnly()) {
            throw new IllegalArgumentException("slab must be writable native memory: " + slab);
        }
        if (slab.address() % CACHE_LINE != 0) {
            throw new IllegalArgumentException("slab address=0x" + Long.toHexString(slab.address())
                    + " is not a multiple of " + CACHE_LINE + ": slice it where a cache line begins");
        }
        long needed = slabSize(packets, bufferSize);
        if (slab.byteSize() < needed) {
            throw new IllegalArgumentException("slab of " + slab.byteSize() + " bytes is too small: packets="
                    + packets + " with bufferSize=" + bufferSize + " need " + needed);
        }
        return new PacketPool(slab, null, packets, bufferSize, headroom);
    }

    /**
     * {@return bytes of the slab that {@link #over} needs}
     *
     * @param packets how many
     * @param bufferSize bytes of one buffer, headroom included
     */
    public static long slabSize(int packets, int bufferSize) {
        return packets * stride(bufferSize);
    }

    private static long stride(int bufferSize) {
        int lines = (bufferSize + CACHE_LINE - 1) / CACHE_LINE;
        return (lines | 1L) * CACHE_LINE;
    }

    private static void checkSizes(int packets, int bufferSize, int headroom) {
        if (packets < 1) {
            throw new IllegalArgumentException("packets=" + packets + " must be at least 1");
        }
        if (bufferSize < 1 || bufferSize > MAX_BUFFER_SIZE) {
            throw new IllegalArgumentException("bufferSize=" + bufferSize + " must be 1 to "
                    + MAX_BUFFER_SIZE);
        }
        if (headroom < 0 || headroom >= bufferSize) {
            throw new IllegalArgumentException("headroom=" + headroom + " must be 0 to bufferSize - 1, to"
                    + " leave room for data: bufferSize=" + bufferSize);
        }
    }

    /**
     * Takes one packet: empty, default headroom, no offloads. Its bytes are whatever the last owner left.
     *
     * @return the packet, or null if none is available
     * @throws IllegalStateException if the pool is closed
     */
    public Packet take() {
        synchronized (lock) {
            checkOpen();
            return available == 0 ? null : pop();
        }
    }

    /** The packet on top of the stack; there must be one. */
    @GuardedBy("lock")
    Packet pop() {
        Packet packet = packets[free[--available]];
        packet.taken();
        return packet;
    }

    /** Puts a packet that is held on top of the stack. */
    @GuardedBy("lock")
    void push(Packet packet) {
        packet.flipReleased();
        free[available++] = packet.index();
    }

    /**
     * Takes up to {@code count} packets, each as {@link #take()} gives it.
     *
     * @param into where to put them
     * @param offset first index in {@code into}
     * @param count how many at most
     * @return how many were taken: fewer than {@code count} if the pool ran empty
     * @throws IllegalStateException if the pool is closed
     * @throws IndexOutOfBoundsException if the range is not inside the array
     */
    public int take(Packet[] into, int offset, int count) {
        Objects.checkFromIndexSize(offset, count, into.length);
        synchronized (lock) {
            checkOpen();
            int top = available;
            int taken = Math.min(count, top);
            for (int i = 0; i < taken; i++) {
                Packet packet = packets[free[--top]];
                packet.taken();
                into[offset + i] = packet;
            }
            available = top;
            return taken;
        }
    }

    /**
     * Gives one packet back.
     *
     * @param packet a packet of this pool, not in it
     * @throws IllegalStateException if the packet was released before, or is in flight
     * @throws IllegalArgumentException if the packet is null or of another pool
     */
    public void release(Packet packet) {
        synchronized (lock) {
            if (!mayRelease(packet)) {
                throw refusal(packet, "");
            }
            push(packet);
        }
    }

    /**
     * Gives packets back: all of them or, if one cannot be released, none. The array keeps its references;
     * they must not be used any more.
     *
     * @param from where they are
     * @param offset first index in {@code from}
     * @param count how many
     * @throws IllegalStateException if a packet was released before, is in flight, or occurs twice
     * @throws IllegalArgumentException if a packet is null or of another pool
     * @throws IndexOutOfBoundsException if the range is not inside the array
     */
    public void release(Packet[] from, int offset, int count) {
        Objects.checkFromIndexSize(offset, count, from.length);
        synchronized (lock) {
            int top = available;
            for (int i = 0; i < count; i++) {
                Packet packet = from[offset + i];
                if (!mayRelease(packet)) {
                    throw refuseBurst(packet, i);
                }
                packet.flipReleased();
                free[top++] = packet.index();
            }
            available = top;
        }
    }

    boolean mayRelease(Packet packet) {
        return packet != null && packet.pool() == this && packet.isHeld();
    }

    /** Takes back the marks of the first {@code position} packets, which lie above the top of the stack. */
    @GuardedBy("lock")
    private RuntimeException refuseBurst(Packet packet, int position) {
        RuntimeException refusal = refusal(packet, " at position " + position
                + " of the burst (none of the burst was released)");
        for (int i = 0; i < position; i++) {
            packets[free[available + i]].flipReleased();
        }
        return refusal;
    }

    private RuntimeException refusal(Packet packet, String where) {
        if (packet == null) {
            return new IllegalArgumentException("cannot release null" + where + ": release only packets that"
                    + " take returned");
        }
        if (packet.pool() != this) {
            return new IllegalArgumentException("cannot release packet " + packet.index() + where
                    + ": it belongs to another pool, " + packet.pool() + ", and this is " + this
                    + "; call packet.release() or release it there");
        }
        if (packet.isInFlight()) {
            return new IllegalStateException("cannot release packet " + packet.index() + where
                    + ": it is in flight; release it when the queue that accepted it has given it back");
        }
        return new IllegalStateException("cannot release packet " + packet.index() + where
                + ": it is in its pool already, " + this + "; release each packet exactly once");
    }

    /** {@return a number that tells this pool from others, and its size} No lock: messages name two pools. */
    @Override
    public String toString() {
        return "PacketPool@%x[packets=%d, bufferSize=%d]"
                .formatted(System.identityHashCode(this), packets.length, bufferSize);
    }

    /** {@return how many packets are in the pool, 0 to {@link #size}} */
    public int available() {
        synchronized (lock) {
            return available;
        }
    }

    /** {@return how many packets were taken and not yet released, 0 to {@link #size}} */
    public int outstanding() {
        return size() - available();
    }

    /** {@return how many packets the pool has, in it and outstanding together, at least 1} */
    public int size() {
        return packets.length;
    }

    /** {@return bytes of one buffer, headroom included} */
    public int bufferSize() {
        return bufferSize;
    }

    /** {@return bytes in front of the data of a packet just taken} */
    public int headroom() {
        return headroom;
    }

    /** {@return the slab that holds the data of all packets} */
    public MemorySegment segment() {
        return slab;
    }

    /**
     * Closes the pool and frees its memory, unless the memory came from somebody else. Closing again has no
     * effect.
     *
     * @throws IllegalStateException if packets are outstanding: the text names the first few by index, the
     *     pool stays open, nothing is freed
     */
    @Override
    public void close() {
        synchronized (lock) {
            if (closed) {
                return;
            }
            if (available != packets.length) {
                throw leak();
            }
            closed = true;
        }
        if (arena != null) {
            arena.close();
        }
    }

    @GuardedBy("lock")
    private IllegalStateException leak() {
        List<Integer> named = new ArrayList<>();
        for (int i = 0; i < packets.length && named.size() < NAMED_LEAKS; i++) {
            if (!packets[i].isInPool()) {
                named.add(i);
            }
        }
        int leaked = packets.length - available;
        return new IllegalStateException("cannot close " + this + ": " + leaked + " of " + packets.length
                + " packets are outstanding, by index " + named + (leaked > named.size() ? " and others" : "")
                + "; release them, or take them back from the queues that hold them, then close");
    }

    @GuardedBy("lock")
    private void checkOpen() {
        if (closed) {
            throw new IllegalStateException("cannot take a packet: the pool is closed");
        }
    }
}
