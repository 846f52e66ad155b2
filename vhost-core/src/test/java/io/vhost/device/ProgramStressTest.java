package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.bpf.Clang;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.program.ProgramMap;
import io.vhost.program.ProgramObject;
import io.vhost.program.ProgramOptions;
import io.vhost.queue.ControlException;
import io.vhost.state.QueueCounters.Counter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Programs that change while several threads' packets pass. */
@Tag("peer") // clang
class ProgramStressTest {
    private static final int HEADER = 12;
    private static final int THREADS = 4;
    private static final int ROUNDS = Integer.getInteger("vhost.stress.rounds", 300);
    @TempDir
    private Path folder;

    private final List<TestGuest> guests = new ArrayList<>();

    @AfterEach
    void close() {
        guests.forEach(TestGuest::close);
    }

    private static ProgramChain chain() {
        return ProgramChain.fromGuest("vm", 1, (_, packets, offset, count) -> {
            for (int i = offset; i < offset + count; i++) {
                packets[i].release();
            }
            return count;
        });
    }

    /** Each thread with a guest of its own, all with one chain; how many packets passed, in all rounds. */
    private long traffic(ProgramChain chain, Runnable meanwhile) throws Exception {
        AtomicLong passed = new AtomicLong();
        AtomicBoolean over = new AtomicBoolean();
        try (ExecutorService threads = Executors.newFixedThreadPool(THREADS + 1)) {
            List<Future<?>> work = new ArrayList<>();
            for (int i = 0; i < THREADS; i++) {
                TestGuest guest = start(chain);
                work.add(threads.submit(() -> passed.addAndGet(packets(guest))));
            }
            Future<?> other = threads.submit(() -> {
                while (!over.get()) {
                    meanwhile.run();
                }
            });
            try {
                for (Future<?> each : work) {
                    each.get(120, TimeUnit.SECONDS);
                }
            } finally {
                over.set(true);
            }
            other.get(120, TimeUnit.SECONDS);
        }
        return passed.get();
    }

    private TestGuest start(ProgramChain chain) throws ControlException {
        TestGuest guest = new TestGuest(TestGuest.MODERN, TestGuest.RING, VhostConfig.builder().build());
        guest.start();
        guests.add(guest);
        guest.fromGuest().queue.programs(chain);
        return guest;
    }

    private static long packets(TestGuest guest) {
        long passed = 0;
        VirtQueue queue = guest.fromGuest().queue;
        Packet[] packets = new Packet[64];
        try (PacketPool pool = PacketPool.create(64, 512)) {
            long target = 0;
            for (int round = 0; round < ROUNDS; round++) {
                for (int i = 0; i < 32; i++) {
                    guest.fromGuest().sendAt(TestGuest.BUFFERS, new byte[HEADER + 60], HEADER + 60);
                }
                target += 32;
                while (queue.counters().get(Counter.PACKETS) < target) {
                    int count = queue.dequeueBurst(pool, packets, 0, 32);
                    pool.release(packets, 0, count);
                    passed += count;
                }
                while (guest.fromGuest().ring.poll() >= 0) {
                    // The guest takes its buffers back.
                }
            }
            assertEquals(0, pool.outstanding(), "packets that are missing");
        }
        return passed;
    }

    private ProgramObject load(int type, String add, int verdict, int threads) throws Exception {
        String source = """
                struct { __uint(type, %d); __uint(max_entries, 1); __type(key, __u32); __type(value, __u64); }
                    total SEC(".maps");
                static void *(*lookup)(void *, const void *) = (void *) 1;
                SEC("xdp") int program(struct xdp_md *ctx) {
                    __u32 zero = 0;
                    __u64 *all = lookup(&total, &zero);
                    if (all)
                        %s;
                    return %d;
                }
                """.formatted(type, add, verdict);
        return ProgramObject.load(Clang.compile(folder, "program" + verdict + type, source),
                ProgramOptions.defaults().threads(threads));
    }

    private static long total(ProgramObject object) {
        ProgramMap total = object.map("total");
        return total.get(0L).orElseThrow() instanceof List<?> values
                ? values.stream().mapToLong(value -> (Long) value).sum()
                : (Long) total.get(0L).orElseThrow();
    }

    /** Fewer runners than threads: each packet is still counted, by an addition that is no atomic one. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 5})
    void threadsShareWhatRunsPrograms(int runners) throws Exception {
        ProgramObject object = load(6, "(*all)++", 2, runners);
        ProgramChain chain = chain();
        ProgramLink link = chain.attach("counts", object.program(""));
        long sent = (long) THREADS * ROUNDS * 32;
        assertEquals(sent, traffic(chain, Thread::onSpinWait));
        assertEquals(sent, total(object));
        assertEquals(sent, link.count(Verdict.PASS));
    }

    /** Attached, replaced, detached in the middle: passed and dropped are what the guests sent. */
    @Test
    void aProgramThatChangesUnderTrafficLosesNothing() throws Exception {
        ProgramObject passes = load(2, "__sync_fetch_and_add(all, 1)", 2, 2);
        ProgramObject drops = load(2, "__sync_fetch_and_add(all, 1)", 1, 2);
        ProgramChain chain = chain();
        ProgramLink link = chain.attach("changes", passes.program(""));
        AtomicLong later = new AtomicLong();
        AtomicLong laterDrops = new AtomicLong();
        AtomicLong changes = new AtomicLong();
        long passed = traffic(chain, () -> {
            link.replace(drops.program(""));
            ProgramLink second = chain.attach("second", burst -> {
                later.addAndGet(burst.count());
                burst.drop(0);
                laterDrops.incrementAndGet();
            }, changes.get() % 2 == 0 ? 10 : 90, EnumSet.of(Verdict.PASS));
            link.replace(passes.program(""));
            chain.detach(second);
            changes.incrementAndGet();
        });
        long sent = (long) THREADS * ROUNDS * 32;
        assertTrue(changes.get() > 0, "changes: " + changes);
        assertEquals(total(passes) + total(drops), link.packets());
        assertEquals(total(passes), link.count(Verdict.PASS));
        assertEquals(total(drops), link.count(Verdict.DROP));
        assertEquals(sent, passed + link.count(Verdict.DROP) + laterDrops.get());
    }
}
