package io.vhost.app.demo;

import io.vhost.net.Packet;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;

/**
 * The packets of one direction of test traffic: what each looks like follows from its sequence
 * number. Immutable; any thread.
 *
 * <pre>
 *  0 destination | 6 source | 12 type 88B5 (IEEE: local experiments) | 14 zero
 * 16 sequence number | 24 time, or zero
 * 32 data: a piece of one random block, from a place that follows from the sequence number
 * </pre>
 */
final class TestPattern {
    /** Bytes of the shortest packet. */
    static final int MIN_LENGTH = 60;
    /** Bytes of the longest where the length varies: a full Ethernet frame without its checksum. */
    static final int MAX_VARIED_LENGTH = 1514;
    /** Bytes of the longest: a jumbo frame. */
    static final int MAX_LENGTH = 9014;
    /** One packet of this many carries the time, a power of two. */
    static final int SAMPLE = 16;

    private static final long TYPE = 0x88B5_0000L;
    private static final int SEQUENCE_POSITION = 16;
    private static final int TIME_POSITION = 24;
    private static final int DATA_POSITION = 32;
    private static final int PLACES = 1 << 14;
    private static final long SPREAD = 0x9E3779B97F4A7C15L;

    // Native, as packets are: filling and checking are block operations on two segments of one kind.
    private final MemorySegment block;
    private final long destination;
    private final long source;
    private final int shortest;
    private final int longest;

    /**
     * Packets between two addresses.
     *
     * @param destination address, 48 bits
     * @param source address, 48 bits; also chooses the data, so that packets of the other direction
     *     are told apart
     * @param length of each packet in bytes, {@link #MIN_LENGTH} to {@link #MAX_LENGTH}; 0: varies
     *     from {@link #MIN_LENGTH} to {@link #MAX_VARIED_LENGTH}
     */
    TestPattern(long destination, long source, int length) {
        this(destination, source,
                length == 0 ? MIN_LENGTH : length, length == 0 ? MAX_VARIED_LENGTH : length);
    }

    /**
     * Packets between two addresses, of lengths between two others.
     *
     * @param destination address, 48 bits
     * @param source address, 48 bits; also chooses the data
     * @param shortest length in bytes, from {@link #MIN_LENGTH}
     * @param longest length in bytes, to {@link #MAX_LENGTH}
     */
    TestPattern(long destination, long source, int shortest, int longest) {
        this(randomBlock(source), destination, source, shortest, longest);
    }

    private TestPattern(
            MemorySegment block, long destination, long source, int shortest, int longest) {
        this.block = block;
        this.destination = destination;
        this.source = source;
        this.shortest = shortest;
        this.longest = longest;
    }

    private static MemorySegment randomBlock(long seed) {
        MemorySegment block = Arena.ofAuto().allocate(PLACES + MAX_LENGTH);
        Random random = new Random(seed);
        for (long i = 0; i < block.byteSize(); i++) {
            block.set(ValueLayout.JAVA_BYTE, i, (byte) random.nextInt());
        }
        return block;
    }

    /** The same packets on their way back from someone who swaps the addresses. */
    TestPattern swapped() {
        return new TestPattern(block, source, destination, shortest, longest);
    }

    /** Length in bytes of the packet with this number. */
    int length(long sequence) {
        if (shortest == longest) {
            return shortest;
        }
        long share = spread(sequence) >>> Integer.SIZE;   // of 1 << 32
        return shortest + (int) ((share * (longest - shortest + 1)) >>> Integer.SIZE);
    }

    /** Makes {@code packet} the one with this number; {@code now} in ns, not 0. */
    void fill(Packet packet, long sequence, long now) {
        int length = length(sequence);
        packet.reset(length);
        packet.putNetworkLong(0, start());
        packet.putNetworkLong(Long.BYTES, middle());
        packet.putNetworkLong(SEQUENCE_POSITION, sequence);
        packet.putNetworkLong(TIME_POSITION, carriesTime(sequence) ? now : 0);
        MemorySegment.copy(block, place(sequence), packet.segment(), packet.dataOffset() + DATA_POSITION,
                length - DATA_POSITION);
    }

    /** The number that {@code packet} claims to have; negative if it is too short for one. */
    static long sequence(Packet packet) {
        return packet.length() < MIN_LENGTH ? -1 : packet.networkLongAt(SEQUENCE_POSITION);
    }

    /** The time at which {@code packet} was made, in ns; 0 if it carries none. */
    static long time(Packet packet) {
        return packet.networkLongAt(TIME_POSITION);
    }

    /** Whether the packet with this number carries the time. */
    static boolean carriesTime(long sequence) {
        return (sequence & (SAMPLE - 1)) == 0;
    }

    /** Whether every byte of {@code packet} is as in the packet with this number, the time's value aside. */
    boolean matches(Packet packet, long sequence) {
        int length = length(sequence);
        if (packet.length() != length) {
            return false;
        }
        boolean header = packet.networkLongAt(0) == start()
                && packet.networkLongAt(Long.BYTES) == middle()
                && sequence(packet) == sequence
                && (time(packet) != 0) == carriesTime(sequence);
        long place = place(sequence);
        long data = packet.dataOffset() + DATA_POSITION;
        int count = length - DATA_POSITION;
        return header && MemorySegment.mismatch(
                block, place, place + count, packet.segment(), data, data + count) < 0;
    }

    private long start() {
        return destination << 16 | source >>> 32;
    }

    private long middle() {
        return source << 32 | TYPE;
    }

    private static long place(long sequence) {
        return spread(sequence) & (PLACES - 1);
    }

    private static long spread(long sequence) {
        long mixed = sequence * SPREAD;
        return mixed ^ (mixed >>> 29);
    }
}
