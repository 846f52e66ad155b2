package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.device.BurstContractTest.Copies;
import io.vhost.dma.DmaChannel;
import io.vhost.dma.DmaRegistry;
import io.vhost.dma.engine.InlineDmaEngine;
import io.vhost.dma.engine.WorkerDmaEngine;
import io.vhost.net.PacketPool;
import io.vhost.queue.ControlException;
import io.vhost.ring.RingFormat;
import io.vhost.state.QueueCounters.Counter;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What works alone works together: packets pass in order, unchanged, counted, and with every written page
 * marked, for combinations in which any two of these meet.
 */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class CombinationTest {
    /** How the guest lays a packet out. */
    enum Chain { ONE_BUFFER, THREE_BUFFERS, TABLE }

    /** What the front-end does in the middle, while chains are on offer and copies may be under way. */
    enum Change { NONE, RESTART, RESTART_WITHOUT_BASE, LARGER_RING, SMALLER_RING, NEW_TABLE, DISABLED }

    /** When pages are logged. */
    enum Log { NEVER, FROM_THE_START, FROM_THE_MIDDLE }

    /** Packets that the application has, of bursts of eight. */
    enum Room { MORE, EXACTLY, TOO_FEW }

    private static final int RING = 16;
    private static final int HEADER = NumberedPackets.HEADER;
    private static final int BURST = 8;
    private static final long TABLES =
            TestGuest.BUFFERS + (long) NumberedPackets.AREAS * NumberedPackets.AREA;

    /** One combination. */
    record Row(RingFormat format, boolean toGuest, Copies copies, Chain chain, Change change, Log log,
            Room room, boolean eventIdx, int length) {
        private static final List<List<?>> FACTORS = List.of(
                List.of(RingFormat.values()), List.of(true, false), List.of(Copies.values()),
                List.of(Chain.values()), List.of(Change.values()), List.of(Log.values()),
                List.of(Room.values()), List.of(true, false), List.of(1, 60, 1500));

        private static Row of(int[] values) {
            Object[] chosen = new Object[values.length];
            Arrays.setAll(chosen, factor -> FACTORS.get(factor).get(values[factor]));
            return new Row((RingFormat) chosen[0], (boolean) chosen[1], (Copies) chosen[2], (Chain) chosen[3],
                    (Change) chosen[4], (Log) chosen[5], (Room) chosen[6], (boolean) chosen[7],
                    (int) chosen[8]);
        }

        private static PairwiseTable table() {
            return new PairwiseTable(FACTORS.stream().mapToInt(List::size).toArray());
        }
    }

    private final DmaRegistry registry = new DmaRegistry();
    private final MarkedPages marks = new MarkedPages();
    private PacketPool pool;
    private DmaChannel channel;
    private TestGuest guest;
    private TestQueue end;
    private Row row;
    private int index;
    private NumberedPackets packets;
    private int offered;

    static Stream<Arguments> rows() {
        return Row.table().rows().stream().map(values -> Arguments.of(Row.of(values)));
    }

    @Test
    void everyTwoMeet() {
        List<int[]> rows = Row.table().rows();
        for (int[] pair : Row.table().pairs()) {
            assertTrue(rows.stream().anyMatch(values ->
                    values[pair[0]] == pair[1] && values[pair[2]] == pair[3]), Arrays.toString(pair));
        }
        assertTrue(rows.size() <= 40, "so many rows: " + rows.size());
    }

    @AfterEach
    void nothingIsLeft() {
        if (guest != null) {
            assertEquals(0, guest.holds());
            if (!end.equals(guest.queues.get(index))) {
                end.close();
            }
            guest.close();
            assertEquals(0, pool.outstanding(), "packets that are missing");
            pool.close();
        }
        marks.close();
        registry.close();
    }

    @ParameterizedTest
    @MethodSource("rows")
    void packetsPass(Row present) throws ControlException {
        row = present;
        start();
        for (int round = 0; round < 20; round++) {
            pass(1 + round % most());
        }
        if (row.log == Log.FROM_THE_MIDDLE) {
            log();
        }
        change();
        for (int round = 0; round < 20; round++) {
            pass(1 + round % most());
        }
        assertEquals(packets.moved(), end.queue.counters().get(Counter.PACKETS));
        assertEquals((long) packets.moved() * row.length, end.queue.counters().get(Counter.BYTES));
        assertNull(end.queue.violation());
    }

    private void start() throws ControlException {
        int packetsThere = switch (row.room) {
            case MORE -> 64;
            case EXACTLY -> BURST;
            case TOO_FEW -> 3;
        };
        pool = PacketPool.create(packetsThere, PacketPool.DEFAULT_HEADROOM + NumberedPackets.AREA);
        long features = (row.format == RingFormat.PACKED ? TestGuest.PACKED : TestGuest.MODERN)
                | (row.eventIdx ? Feature.VIRTIO_F_EVENT_IDX.mask() : 0);
        if (row.copies == Copies.SYNCHRONOUS) {
            guest = new TestGuest(features, RING, 1);
            guest.start();
        } else {
            channel = registry.configure("test",
                    row.copies == Copies.INLINE ? new InlineDmaEngine() : new WorkerDmaEngine("test"));
            guest = TestGuest.asynchronous(features, RING, registry);
        }
        index = row.toGuest ? 0 : 1;
        end = guest.queues.get(index);
        packets = new NumberedPackets(guest, end, pool, channel, _ -> row.length);
        if (channel != null) {
            end.queue.registerAsync();
        }
        if (row.log == Log.FROM_THE_START) {
            log();
        }
    }

    private void log() throws ControlException {
        guest.control.memory().dirtyLog(marks.file(), 0, MarkedPages.LOG_SIZE);
        guest.control.features(guest.device.features() | Feature.VHOST_F_LOG_ALL.mask());
        MarkedPages.logDeviceAreas(guest);
    }

    /** As many packets as a burst has, or as there is room for in the ring. */
    private int most() {
        return Math.min(BURST, row.chain == Chain.THREE_BUFFERS ? end.size() / 3 : end.size());
    }

    /** So many packets through the queue, with a look at the pages that were written. */
    private void pass(int count) {
        offer(count);
        boolean logged = guest.device.has(Feature.VHOST_F_LOG_ALL);
        byte[] before = logged ? MarkedPages.snapshot(guest) : null;
        marks.take();
        moveAll();
        if (logged) {
            Set<Long> marked = new TreeSet<>(marks.take());
            Set<Long> changed = MarkedPages.changed(before, MarkedPages.snapshot(guest));
            assertTrue(marked.containsAll(changed), () -> changed + " changed, marked are " + marked);
        }
        packets.collect();
        assertEquals(packets.moved(), packets.collected());
    }

    /** Leaves copies under way, if there are any: the change has to wait for them. */
    private void change() throws ControlException {
        offer(4);
        packets.move(2);
        int base;
        switch (row.change) {
            case NONE -> { }
            case RESTART, RESTART_WITHOUT_BASE -> {
                base = guest.control.stopRing(index);
                if (row.change == Change.RESTART) {
                    guest.control.ringBase(index, base);
                }
                guest.control.kick(index, end.kick.descriptor().duplicate());
            }
            case LARGER_RING, SMALLER_RING -> {
                moveAll();
                guest.control.stopRing(index);
                packets.collect();
                end = new TestQueue(guest, index, row.change == Change.LARGER_RING ? 2 * RING : RING / 2,
                        guest.features);
                end.configure();
                end.start();
                packets.goOnIn(end);
                if (guest.device.has(Feature.VHOST_F_LOG_ALL)) {
                    guest.control.ringAddresses(index, TestGuest.USER + end.addresses.desc(),
                            TestGuest.USER + end.addresses.avail(), TestGuest.USER + end.addresses.used(),
                            TestGuest.GUEST + end.addresses.used(), 1);
                }
            }
            case NEW_TABLE -> guest.shareMemory();
            case DISABLED -> {
                guest.control.enable(index, false);
                guest.control.enable(index, true);
            }
        }
        moveAll();
        packets.collect();
        assertEquals(offered, packets.collected());
    }

    /** Moves what the guest has offered, until nothing is under way. */
    private void moveAll() {
        while (packets.moved() < offered) {
            packets.move(Math.min(offered - packets.moved(), BURST));
            if (channel != null && row.toGuest) {
                packets.putBack();
            }
        }
        packets.finish();
    }

    private int[] lengths() {
        int whole = row.toGuest ? NumberedPackets.AREA : HEADER + row.length;
        return row.chain == Chain.THREE_BUFFERS || row.chain == Chain.TABLE
                ? new int[] {5, HEADER - 5, whole - HEADER} : new int[] {whole};
    }

    private void offer(int count) {
        for (int i = 0; i < count; i++) {
            int number = offered++;
            long[] addresses = new long[lengths().length];
            long position = TestGuest.GUEST + NumberedPackets.area(number);
            for (int part = 0; part < addresses.length; part++) {
                addresses[part] = position;
                position += lengths()[part];
            }
            if (!row.toGuest) {
                guest.put(NumberedPackets.area(number), packets.frame(number));
            }
            int readable = row.toGuest ? 0 : addresses.length;
            int token = number % NumberedPackets.AREAS;
            long table = TABLES + 64L * token;
            assertTrue(row.chain == Chain.TABLE
                    ? end.ring.offerIndirect(token, table, TestGuest.GUEST + table, addresses,
                            lengths(), readable, addresses.length)
                    : end.ring.offer(token, addresses, lengths(), readable, addresses.length));
        }
        end.ring.publish();
    }
}
