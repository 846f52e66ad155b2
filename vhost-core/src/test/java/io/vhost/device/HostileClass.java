package io.vhost.device;

import com.google.errorprone.annotations.Immutable;
import io.vhost.ring.RingFormat;
import java.util.List;

/**
 * The classes of faults that hostile rings are tested with, by their numbers. Where a format has no such
 * fault, the class names the formats that have.
 */
@SuppressWarnings("ImmutableEnumChecker") // Nobody changes the sets, and what supplies has no state.
enum HostileClass {
    /** 1: a descriptor whose next is itself. A packed ring has no next. */
    SELF_LOOP(1, RingFormat.SPLIT, HostileChains::selfLoop),
    /** 2: two descriptors, each the other's next. A packed ring has no next. */
    LOOP_OF_TWO(2, RingFormat.SPLIT, HostileChains::loopOfTwo),
    /** 3: a chain that is longer than the ring. */
    LONGER_THAN_THE_RING(3, HostileChains::longerThanTheRing),
    /** 4: a next that is not below the size. A packed ring has no next. */
    NEXT_OUT_OF_RANGE(4, RingFormat.SPLIT, HostileChains::nextOutOfRange),
    /** 5: a head that is not below the size. A packed ring has no heads; for its ids see 21. */
    HEAD_OUT_OF_RANGE(5, RingFormat.SPLIT, HostileIndexes::headOutOfRange),
    /** 6: the index of the available ring jumps, or goes back. A packed ring has no such index. */
    INDEX_JUMP(6, RingFormat.SPLIT, HostileIndexes::indexJumps),
    /** 7: a table in a table. */
    NESTED_TABLE(7, HostileChains::nestedTable),
    /** 8: a table that is continued. */
    TABLE_WITH_NEXT(8, HostileChains::tableThatIsContinued),
    /** 9: a table of no whole number of entries, of none, or of too many. */
    TABLE_SIZE(9, HostileChains::tableSize),
    /** 10: a table that reaches out of its region. */
    TABLE_OUTSIDE(10, HostileChains::tableOutside),
    /** 11: address and length beyond 2^64. */
    WRAPPING_ADDRESS(11, HostileChains::wrappingAddress),
    /** 12: a buffer in a hole, and across the border of two regions, which is none. */
    OUTSIDE(12, HostileChains::outside),
    /** 13: buffers of no bytes. */
    EMPTY_BUFFERS(13, HostileLengths::emptyBuffers),
    /** 14: a buffer of 2^32-1 bytes. */
    LONGEST_BUFFER(14, HostileLengths::longestBuffer),
    /** 15: lengths whose sum is 2^32 and more. */
    SUM_BEYOND_4_GB(15, HostileLengths::sumBeyond4Gb),
    /** 16: a buffer that the device writes before one that it reads. */
    WRITABLE_BEFORE_READABLE(16, HostileLengths::writableBeforeReadable),
    /** 17: a buffer to read where packets go to the guest, or one to write where they come from it. */
    WRONG_DIRECTION(17, HostileLengths::wrongDirection),
    /** 18: no room for the header of a packet, or for nothing else. */
    NO_ROOM_FOR_HEADER(18, HostileLengths::noRoomForTheHeader),
    /** 19: a header in many buffers. */
    HEADER_IN_PIECES(19, HostileLengths::headerInPieces),
    /** 20: a thread that rewrites descriptors, tables, headers and areas. It is {@link FlipperTest}. */
    FLIPPER(20, List::of),
    /** 21: a packed ring's flags and ids. A split ring has neither. */
    PACKED_FLAGS_AND_IDS(21, RingFormat.PACKED, HostileIndexes::packedFlagsAndIds),
    /** 22: garbage where the driver says which events it wants. */
    EVENT_WISHES(22, HostileIndexes::eventWishes),
    /**
     * 23: a chain that is offered again while it is in flight. For chains that stay in flight over several
     * bursts see {@link AsyncEnqueueTest}.
     */
    OFFERED_AGAIN(23, HostileIndexes::offeredAgain),
    /** 24: memory that goes away, by truncation or by a message. */
    MEMORY_THAT_GOES(24, HostileSurroundings::memoryThatGoes),
    /** 25: ring addresses that are not aligned. */
    MISALIGNED_RING(25, HostileSurroundings::misalignedRing),
    /** 26: fields of a packet's header. For all combinations see {@link HeaderSweepTest}. */
    HEADERS(26, HostileSurroundings::headers),
    /** 27: a kick that is closed, missing or at its limit. */
    KICKS(27, HostileSurroundings::kicks),
    /** 28: a call that nobody reads, or that is no eventfd. */
    CALLS(28, HostileSurroundings::calls);

    /** Makes the acts of a class. */
    @Immutable
    interface Acts {
        List<HostileAct> make();
    }

    private final int number;
    /** Null: both formats have such faults. */
    private final RingFormat only;
    private final Acts acts;

    HostileClass(int number, Acts acts) {
        this(number, null, acts);
    }

    HostileClass(int number, RingFormat only, Acts acts) {
        this.number = number;
        this.only = only;
        this.acts = acts;
    }

    int number() {
        return number;
    }

    boolean isOf(RingFormat format) {
        return only == null || only == format;
    }

    List<HostileAct> acts() {
        return acts.make();
    }
}
