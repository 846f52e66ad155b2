package io.vhost.device;

import static io.vhost.device.HostileAct.each;
import static io.vhost.device.Outcome.dropped;
import static io.vhost.device.Outcome.fenced;
import static io.vhost.device.Outcome.served;
import static io.vhost.device.RawRing.FRAME;
import static io.vhost.device.RawRing.HEADER;
import static io.vhost.device.RawRing.PAYLOAD;
import static io.vhost.state.RingViolation.BUFFER_UNMAPPED;
import static io.vhost.state.RingViolation.CHAIN_TOO_LARGE;
import static io.vhost.state.RingViolation.EMPTY_CHAIN;
import static io.vhost.state.RingViolation.NO_ROOM_FOR_HEADER;
import static io.vhost.state.RingViolation.READABLE_AFTER_WRITABLE;
import static io.vhost.state.RingViolation.WRONG_DIRECTION;

import io.vhost.device.RawRing.Buffer;
import io.vhost.net.NetHeader;
import io.vhost.state.QueueCounters.Counter;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Lengths and directions that break a rule, and the place of the header: classes 13 to 19. */
final class HostileLengths {
    private static final int ENTRIES = 1024;

    private HostileLengths() {}

    private static Buffer nothing(RawRing ring) {
        return ring.at(TestGuest.GUEST + TestGuest.BUFFERS, 0);
    }

    static List<HostileAct> emptyBuffers() {
        return List.of(
                new HostileAct("alone", ring -> {
                    ring.chain(nothing(ring));
                    return fenced(ring, EMPTY_CHAIN);
                }),
                new HostileAct("two", ring -> {
                    ring.chain(nothing(ring), nothing(ring));
                    return fenced(ring, EMPTY_CHAIN);
                }),
                new HostileAct("in a table", ring -> {
                    ring.chain(ring.table(nothing(ring), nothing(ring)));
                    return fenced(ring, EMPTY_CHAIN);
                }),
                new HostileAct("outside memory", ring -> {
                    ring.chain(ring.at(RawRing.HOLE, 0), ring.buffer(FRAME), ring.at(-1, 0));
                    return served(ring);
                }),
                new HostileAct("before, between and behind", ring -> {
                    Buffer none = nothing(ring);
                    ring.chain(none, ring.buffer(5), none, none, ring.buffer(7), none, ring.buffer(60), none);
                    return served(ring);
                }),
                new HostileAct("before, between and behind in a table", ring -> {
                    Buffer none = nothing(ring);
                    ring.chain(ring.table(none, ring.buffer(11), none, ring.buffer(61), none));
                    return served(ring);
                }));
    }

    static List<HostileAct> longestBuffer() {
        List<Long> lengths = List.of(0xFFFF_FFFFL, 0x8000_0000L, 0x7FFF_FFFFL, TestGuest.SIZE + 1);
        List<HostileAct> alone = each("of", lengths, length -> ring -> {
            ring.chain(ring.at(TestGuest.GUEST + TestGuest.BUFFERS, length));
            return fenced(ring, BUFFER_UNMAPPED);
        });
        HostileAct second = new HostileAct("behind a good one", ring -> {
            ring.chain(ring.buffer(FRAME), ring.at(TestGuest.GUEST, 0xFFFF_FFFFL));
            return fenced(ring, CHAIN_TOO_LARGE);
        });
        return Stream.concat(alone.stream(), Stream.of(second)).toList();
    }

    /** Most entries show all of the memory, again and again. */
    private static Buffer[] allOfMemory(RawRing ring) {
        Buffer[] entries = new Buffer[ENTRIES];
        Arrays.fill(entries, ring.at(TestGuest.GUEST, TestGuest.SIZE));
        return entries;
    }

    static List<HostileAct> sumBeyond4Gb() {
        return List.of(
                new HostileAct("by nothing", ring -> {
                    ring.chainOfNothing(ring.table(allOfMemory(ring)));
                    return fenced(ring, CHAIN_TOO_LARGE);
                }),
                new HostileAct("not quite", ring -> {
                    Buffer[] entries = allOfMemory(ring);
                    entries[0] = ring.at(TestGuest.GUEST + TestGuest.BUFFERS + 0x18_0000, 0x8_0000);
                    ring.chain(ring.table(entries));
                    return ring.toGuest ? served(ring) : dropped(ring, Counter.OVERSIZE);
                }));
    }

    static List<HostileAct> writableBeforeReadable() {
        return List.of(
                new HostileAct("in the ring", ring -> {
                    ring.chain(ring.buffer(HEADER).writable(), ring.buffer(PAYLOAD).readable());
                    return fenced(ring, READABLE_AFTER_WRITABLE);
                }),
                new HostileAct("in a table", ring -> {
                    ring.chain(ring.table(ring.buffer(HEADER).writable(), ring.buffer(PAYLOAD).readable()));
                    return fenced(ring, READABLE_AFTER_WRITABLE);
                }));
    }

    static List<HostileAct> wrongDirection() {
        return List.of(
                new HostileAct("of one buffer", ring -> {
                    ring.chain(wrong(ring));
                    return fenced(ring, WRONG_DIRECTION);
                }),
                new HostileAct("of a table", ring -> {
                    ring.chain(ring.table(wrong(ring)));
                    return fenced(ring, WRONG_DIRECTION);
                }),
                new HostileAct("of half a chain", ring -> {
                    ring.chain(ring.buffer(HEADER).readable(), ring.buffer(PAYLOAD).writable());
                    return fenced(ring, WRONG_DIRECTION);
                }));
    }

    /** In the direction that the queue does not have. */
    private static Buffer wrong(RawRing ring) {
        Buffer buffer = ring.buffer(FRAME);
        return ring.toGuest ? buffer.readable() : buffer.writable();
    }

    static List<HostileAct> noRoomForTheHeader() {
        List<HostileAct> tooShort = each("of", List.of(1, 11, 12), length -> ring -> {
            ring.chain(ring.buffer(length));
            return ring.toGuest ? shortRoom(ring, length) : shortFrame(ring);
        });
        HostileAct inTwo = new HostileAct("of 7 and 5", ring -> {
            ring.chain(ring.buffer(7), ring.buffer(5));
            return ring.toGuest ? shortRoom(ring, HEADER) : shortFrame(ring);
        });
        HostileAct enough = new HostileAct("but for one byte", ring -> {
            ring.chain(ring.buffer(HEADER), ring.buffer(PAYLOAD));
            return served(ring);
        });
        return Stream.concat(tooShort.stream(), Stream.of(inTwo, enough)).toList();
    }

    /** To the guest the header alone is enough, where the data goes into the next chain. */
    private static Outcome shortRoom(RawRing ring, int length) {
        ring.good();
        return length < HEADER ? fenced(NO_ROOM_FOR_HEADER) : served(2).after(1, 2);
    }

    /** A synchronous burst has taken the chains behind it, too, and gives all of them back. */
    private static Outcome shortFrame(RawRing ring) {
        ring.dropFrame();
        ring.good();
        Outcome fenced = fenced(NO_ROOM_FOR_HEADER);
        return ring.asynchronous ? fenced : fenced.after(1, 2);
    }

    static List<HostileAct> headerInPieces() {
        List<HostileAct> inTheRing = each("over", IntStream.rangeClosed(1, 12).boxed().toList(),
                count -> ring -> {
                    ring.chain(pieces(ring, count));
                    return served(ring);
                });
        HostileAct inATable = new HostileAct("a byte each", ring -> {
            ring.chain(ring.table(ring.buffers(FRAME, 1)));
            return served(ring);
        });
        HostileAct asking = new HostileAct("that asks for what is not there", ring -> {
            ring.header[0] = NetHeader.NEEDS_CHECKSUM;
            ring.header[8] = PAYLOAD - 1;
            ring.chain(pieces(ring, HEADER));
            return ring.toGuest ? served(ring) : dropped(ring, Counter.BAD_OFFLOAD);
        });
        return Stream.concat(inTheRing.stream(), Stream.of(inATable, asking)).toList();
    }

    /** The header in so many pieces apart from each other, the last of them with the data. */
    private static Buffer[] pieces(RawRing ring, int count) {
        Buffer[] pieces = new Buffer[count];
        Arrays.setAll(pieces, i -> ring.buffer(1));
        pieces[count - 1] = ring.buffer(FRAME - count + 1);
        return pieces;
    }
}
