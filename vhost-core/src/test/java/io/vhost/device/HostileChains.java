package io.vhost.device;

import static io.vhost.device.HostileAct.each;
import static io.vhost.device.Outcome.fenced;
import static io.vhost.device.Outcome.served;
import static io.vhost.device.RawRing.DESCRIPTOR;
import static io.vhost.device.RawRing.FRAME;
import static io.vhost.device.RawRing.HOLE;
import static io.vhost.device.RawRing.INDIRECT;
import static io.vhost.device.RawRing.NEXT;
import static io.vhost.state.RingViolation.BUFFER_UNMAPPED;
import static io.vhost.state.RingViolation.CHAIN_TOO_LONG;
import static io.vhost.state.RingViolation.INDIRECT_TABLE_SIZE;
import static io.vhost.state.RingViolation.INDIRECT_TABLE_UNMAPPED;
import static io.vhost.state.RingViolation.INDIRECT_WITH_NEXT;
import static io.vhost.state.RingViolation.NESTED_INDIRECT;
import static io.vhost.state.RingViolation.NEXT_OUT_OF_RANGE;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/** Links, tables and addresses that break a rule: classes 1 to 4 and 7 to 12. */
final class HostileChains {
    private static final int MOST_IN_A_TABLE = 1024;
    private static final long END = TestGuest.GUEST + TestGuest.SIZE;
    private static final long BORDER = TestGuest.GUEST + TestGuest.BORDER;

    private HostileChains() {}

    /** So many descriptors in a circle, in the ring or in a table. */
    private static Outcome circle(RawRing ring, int count) {
        int head = ring.slot();
        for (int i = 0; i < count; i++) {
            int next = (head + (i + 1) % count) % ring.size();
            ring.put(ring.buffer(FRAME), ring.direction() | NEXT, ring.isSplit() ? next : head);
        }
        ring.offer(head, count);
        return fenced(ring, CHAIN_TOO_LONG);
    }

    private static Outcome circleInTable(RawRing ring, int count) {
        long table = ring.allocate((long) DESCRIPTOR * count);
        for (int i = 0; i < count; i++) {
            ring.entry(table, i, ring.buffer(FRAME), ring.direction() | NEXT, (i + 1) % count);
        }
        ring.chain(ring.tableAt(TestGuest.GUEST + table, (long) DESCRIPTOR * count));
        return fenced(ring, CHAIN_TOO_LONG);
    }

    static List<HostileAct> selfLoop() {
        return List.of(
                new HostileAct("in the ring", ring -> circle(ring, 1)),
                new HostileAct("in a table", ring -> circleInTable(ring, 1)));
    }

    static List<HostileAct> loopOfTwo() {
        return List.of(
                new HostileAct("in the ring", ring -> circle(ring, 2)),
                new HostileAct("in a table", ring -> circleInTable(ring, 2)));
    }

    static List<HostileAct> longerThanTheRing() {
        return List.of(
                new HostileAct("all that is free", ring -> circle(ring, ring.free())),
                new HostileAct("all that is free, with an end", ring -> {
                    RawRing.Buffer[] buffers = ring.buffers(ring.free(), 1);
                    buffers[buffers.length - 1] = ring.buffer(FRAME - buffers.length + 1);
                    ring.chain(buffers);
                    return served(1);
                }));
    }

    static List<HostileAct> nextOutOfRange() {
        List<HostileAct> inTheRing = each("to", List.of(0, 1, 65535), beyond -> ring -> {
            int next = Math.min(65535, ring.size() + beyond);
            int head = ring.slot();
            ring.put(ring.buffer(FRAME), ring.direction() | NEXT, next);
            ring.offer(head, 1);
            return fenced(ring, NEXT_OUT_OF_RANGE);
        });
        List<HostileAct> inATable = each("in a table to", List.of(2, 65535), next -> ring -> {
            long table = ring.allocate(2 * DESCRIPTOR);
            ring.entry(table, 0, ring.buffer(FRAME), ring.direction() | NEXT, next);
            ring.chain(ring.tableAt(TestGuest.GUEST + table, 2 * DESCRIPTOR));
            return fenced(ring, NEXT_OUT_OF_RANGE);
        });
        return Stream.concat(inTheRing.stream(), inATable.stream()).toList();
    }

    static List<HostileAct> nestedTable() {
        return each("at entry", List.of(0, 1), at -> ring -> {
            RawRing.Buffer inner = ring.table(ring.buffer(FRAME));
            ring.chain(at == 0 ? ring.table(inner) : ring.table(ring.buffer(FRAME), inner));
            return fenced(ring, NESTED_INDIRECT);
        });
    }

    static List<HostileAct> tableThatIsContinued() {
        return List.of(new HostileAct("table and buffer", ring -> {
            ring.chain(ring.table(ring.buffer(FRAME)), ring.buffer(FRAME));
            return fenced(ring, INDIRECT_WITH_NEXT);
        }), new HostileAct("buffer and table", ring -> {
            ring.chain(ring.buffer(12), ring.table(ring.buffer(60)));
            // Only a packed ring has no such chain (2.8.19).
            return ring.isSplit() ? served(ring) : fenced(ring, INDIRECT_WITH_NEXT);
        }));
    }

    static List<HostileAct> tableSize() {
        List<Long> sizes = List.of(
                0L, 1L, 15L, 17L, (MOST_IN_A_TABLE + 1L) * DESCRIPTOR, (1L << 32) - 16, (1L << 32) - 1);
        List<HostileAct> bad = each("of", sizes, bytes -> ring -> {
            ring.chain(ring.tableAt(ring.table(ring.buffer(FRAME)).address(), bytes));
            return fenced(ring, INDIRECT_TABLE_SIZE);
        });
        HostileAct longest = new HostileAct("the longest that is good", ring -> {
            RawRing.Buffer[] entries = new RawRing.Buffer[MOST_IN_A_TABLE];
            Arrays.fill(entries, ring.at(TestGuest.GUEST, 0));
            entries[MOST_IN_A_TABLE - 1] = ring.buffer(FRAME);
            ring.chain(ring.table(entries));
            return served(ring);
        });
        return Stream.concat(bad.stream(), Stream.of(longest)).toList();
    }

    static List<HostileAct> tableOutside() {
        List<Long> places = List.of(HOLE, TestGuest.GUEST - 16, BORDER - 16, END - 16, END, 0L);
        List<HostileAct> outside = each("at", places, place -> ring -> {
            ring.chain(ring.tableAt(place, 2 * DESCRIPTOR));
            return fenced(ring, INDIRECT_TABLE_UNMAPPED);
        });
        HostileAct inside = new HostileAct("at the last that is good", ring -> {
            long table = TestGuest.BORDER - DESCRIPTOR;
            RawRing.Buffer buffer = ring.buffer(FRAME);
            ring.entry(table, 0, buffer, ring.direction(), 0);
            ring.chain(new RawRing.Buffer(
                    TestGuest.GUEST + table, DESCRIPTOR, INDIRECT, List.of(buffer)));
            return served(ring);
        });
        return Stream.concat(outside.stream(), Stream.of(inside)).toList();
    }

    static List<HostileAct> wrappingAddress() {
        List<HostileAct> buffers = each("by", List.of(-1, 0, 1, 71), beyond -> ring -> {
            ring.chain(ring.at(beyond - FRAME, FRAME));
            return fenced(ring, BUFFER_UNMAPPED);
        });
        HostileAct table = new HostileAct("of a table", ring -> {
            ring.chain(ring.tableAt(-16, 2 * DESCRIPTOR));
            return fenced(ring, INDIRECT_TABLE_UNMAPPED);
        });
        HostileAct intoMemory = new HostileAct("into memory", ring -> {
            ring.chain(ring.at(-1, 0xFFFF_FFFFL));
            return fenced(ring, BUFFER_UNMAPPED);
        });
        return Stream.concat(buffers.stream(), Stream.of(table, intoMemory)).toList();
    }

    static List<HostileAct> outside() {
        List<Long> places = List.of(
                HOLE, 0L, TestGuest.GUEST - 1, TestGuest.GUEST - FRAME, END - FRAME + 1, END - 1, END);
        List<HostileAct> outside = each("at", places, place -> ring -> {
            ring.chain(ring.at(place, FRAME));
            return fenced(ring, BUFFER_UNMAPPED);
        });
        List<Long> good = List.of(END - FRAME, BORDER - 1, BORDER - 12, BORDER - 71, BORDER);
        List<HostileAct> inside = each("not at", good, place -> ring -> {
            ring.chain(ring.at(place, FRAME));
            return served(ring);
        });
        HostileAct second = new HostileAct("in the second of two buffers", ring -> {
            ring.chain(ring.buffer(FRAME), ring.at(HOLE, FRAME));
            return fenced(ring, BUFFER_UNMAPPED);
        });
        return Stream.of(outside, inside, List.of(second)).flatMap(List::stream).toList();
    }
}
