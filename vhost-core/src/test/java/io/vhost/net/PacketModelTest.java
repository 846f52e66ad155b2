package io.vhost.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Long random walks beside a model that is too simple to be wrong: what both do must stay the same. */
class PacketModelTest {
    private static final int HEADROOM = 24;
    private static final int BUFFER = 96;

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void aPoolIsASetOfPacketsWhateverTheAppTries(long seed) {
        Random random = new Random(seed);
        PacketPool pool = PacketPool.create(12, 256);
        PacketPool stranger = PacketPool.create(1, 256);
        Packet foreign = stranger.take();
        Set<Packet> mine = new LinkedHashSet<>();
        List<Packet> everSeen = new ArrayList<>();
        Packet[] burst = new Packet[16];
        for (int step = 0; step < 4_000; step++) {
            if (random.nextInt(2) == 0) {
                int wanted = random.nextInt(7);
                int taken = pool.take(burst, 2, wanted);
                assertEquals(Math.min(wanted, 12 - mine.size()), taken);
                for (int i = 2; i < 2 + taken; i++) {
                    assertEquals(0, burst[i].length());
                    assertEquals(true, mine.add(burst[i]),
                            "handed out twice, seed=" + seed + " step=" + step);
                    everSeen.add(burst[i]);
                    burst[i].reset(random.nextInt(128));
                }
            } else {
                int count = random.nextInt(6);
                Set<Packet> distinct = new LinkedHashSet<>();
                boolean right = true;
                for (int i = 0; i < count; i++) {
                    burst[i] = anyPacket(random, mine, everSeen, foreign);
                    right &= mine.contains(burst[i]) && distinct.add(burst[i]);
                }
                if (right) {
                    pool.release(burst, 0, count);
                    mine.removeAll(distinct);
                } else {
                    List<Integer> lengths = mine.stream().map(Packet::length).toList();
                    assertThrows(RuntimeException.class, () -> pool.release(burst, 0, count));
                    assertEquals(lengths, mine.stream().map(Packet::length).toList());
                }
            }
            assertEquals(mine.size(), pool.outstanding(), "seed=" + seed + " step=" + step);
        }
        mine.forEach(Packet::release);
        pool.close();
        foreign.release();
        stranger.close();
    }

    /** Mostly one that may be released, else null, a foreign one, or one that may be in the pool again. */
    private static Packet anyPacket(Random random, Set<Packet> mine, List<Packet> everSeen, Packet foreign) {
        return switch (random.nextInt(24)) {
            case 0 -> null;
            case 1 -> foreign;
            case 2 -> everSeen.isEmpty() ? null : everSeen.get(random.nextInt(everSeen.size()));
            default -> mine.stream().skip(random.nextInt(mine.size() + 1)).findFirst().orElse(null);
        };
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void aPacketIsARangeOfItsBufferAndItsChecksumStaysWithTheBytes(long seed) {
        Random random = new Random(seed);
        try (PacketPool pool = PacketPool.create(3, BUFFER + 128)) {
            Packet neighbour = pool.take();
            Packet packet = pool.take();
            Packet otherNeighbour = pool.take();
            Range range = new Range(128, 128);
            for (int step = 0; step < 4_000; step++) {
                int count = random.nextInt(HEADROOM) - 2;
                switch (random.nextInt(6)) {
                    case 0 -> move(range.reset(count), () -> packet.reset(count), range);
                    case 1 -> move(range.grow(count, 0), () -> packet.prepend(count), range);
                    case 2 -> move(range.grow(0, count), () -> packet.append(count), range);
                    case 3 -> move(range.shrink(count, 0), () -> packet.trimHead(count), range);
                    case 4 -> move(range.shrink(0, count), () -> packet.trimTail(count), range);
                    default -> {
                        int start = random.nextInt(20);
                        packet.offload(NetHeader.offload(NetHeader.NEEDS_CHECKSUM, 0, 0, 0, start), 0);
                        range.checksumAt = range.from + start;
                    }
                }
                String where = "seed=" + seed + " step=" + step;
                assertEquals(range.from, packet.headroom(), where);
                assertEquals(range.to - range.from, packet.length(), where);
                assertEquals(BUFFER + 128 - range.to, packet.tailroom(), where);
                assertEquals(range.checksumAt >= 0, packet.needsChecksum(), where);
                if (range.checksumAt >= 0) {
                    assertEquals(range.checksumAt, packet.headroom() + packet.checksumStart(), where);
                }
            }
            pool.release(new Packet[] {neighbour, packet, otherNeighbour}, 0, 3);
        }
    }

    private static void move(boolean possible, Runnable call, Range range) {
        if (possible) {
            call.run();
            range.moved();
        } else {
            assertThrows(IllegalArgumentException.class, call::run);
        }
    }

    /** Where the data is in the buffer, and where the next call would put it. */
    private static final class Range {
        private int from;
        private int to;
        private int checksumAt = -1;
        private int nextFrom;
        private int nextTo;
        private boolean fresh;

        Range(int from, int to) {
            this.from = from;
            this.to = to;
        }

        boolean reset(int length) {
            return next(128, 128 + length, length >= 0, true);
        }

        boolean grow(int head, int tail) {
            return next(from - head, to + tail, head >= 0 && tail >= 0, false);
        }

        boolean shrink(int head, int tail) {
            boolean fits = head >= 0 && tail >= 0 && head + tail <= to - from;
            return next(from + head, to - tail, fits, false);
        }

        private boolean next(int newFrom, int newTo, boolean possible, boolean isFresh) {
            nextFrom = newFrom;
            nextTo = newTo;
            fresh = isFresh;
            return possible && newFrom >= 0 && newTo <= BUFFER + 128;
        }

        void moved() {
            from = nextFrom;
            to = nextTo;
            if (fresh || checksumAt < from) {
                checksumAt = -1;
            }
        }
    }
}
