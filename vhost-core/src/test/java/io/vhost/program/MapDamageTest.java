package io.vhost.program;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.vhost.bpf.Clang;
import io.vhost.monitor.command.Command;
import io.vhost.monitor.command.CommandException;
import io.vhost.program.command.ProgramCommands;
import java.lang.management.ManagementFactory;
import java.math.BigInteger;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What clients and files want to put into maps, right and wrong. */
@Tag("peer") // clang
class MapDamageTest {
    private static final String SOURCE = """
            struct six { unsigned char bytes[16]; };
            struct bits { __u32 a : 3; int b : 5; __u64 rest; };
            struct big { unsigned char bytes[4096]; };
            struct { __uint(type, 1); __uint(max_entries, 16); __type(key, __u64);
                __type(value, struct six); } addresses SEC(".maps");
            struct { __uint(type, 2); __uint(max_entries, 2); __type(key, __u32);
                __type(value, struct bits); } fields SEC(".maps");
            struct { __uint(type, 2); __uint(max_entries, 50000); __type(key, __u32);
                __type(value, struct big); } bulk SEC(".maps");
            struct { __uint(type, 1); __uint(max_entries, 1000000); __type(key, __u32);
                __type(value, __u32); } wide SEC(".maps");
            static void *(*lookup)(void *, const void *) = (void *) 1;
            SEC("xdp") int program(struct xdp_md *ctx) {
                __u32 zero = 0;
                __u64 wide_zero = 0;
                return lookup(&addresses, &wide_zero) || lookup(&fields, &zero) || lookup(&bulk, &zero)
                    || lookup(&wide, &zero) ? 2 : 1;
            }
            """;

    @TempDir
    private Path folder;

    private ProgramObject object;

    @BeforeEach
    void load() throws Exception {
        object = ProgramObject.load(Clang.compile(folder, "maps", SOURCE));
    }

    @Test
    void addressesOfBothVersionsAreBytes() {
        ProgramMap map = object.map("addresses");
        map.put(1L, Map.of("bytes", "::ffff:10.0.0.1"));
        assertEquals(Optional.of(Map.of("bytes", List.of(0L, 0L, 0L, 0L, 0L, 0L, 0L, 0L, 0L, 0L, 255L, 255L,
                10L, 0L, 0L, 1L))), map.get(1L));
        map.put(1L, "2001:db8::1");
        assertEquals(List.of(0x20L, 1L), ((List<?>) ((Map<?, ?>) map.get(1L).orElseThrow()).get("bytes"))
                .subList(0, 2));
    }

    /** No name server is asked about what looks like an address: that would take its time. */
    @ParameterizedTest
    @ValueSource(strings = {"999.1.1.1", "1.2.3.256", "1:2:3:4:5:6:7:8:9", ":::", "1.2.3:4", "::1%eth0", ""})
    void whatIsNoAddressIsRefused(String text) {
        assertThrows(IllegalArgumentException.class, () -> object.map("addresses").put(1L, text));
    }

    @Test
    void aLongTextIsRefusedInNoTime() {
        String text = ":".repeat(1 << 20) + "x";
        assertTimeoutPreemptively(Duration.ofSeconds(20), () -> assertThrows(IllegalArgumentException.class,
                () -> object.map("addresses").put(1L, text)));
    }

    @Test
    void numbersThatDoNotFitAreRefused() {
        ProgramMap map = object.map("fields");
        BigInteger all = BigInteger.ONE.shiftLeft(64).subtract(BigInteger.ONE);
        map.put(0L, Map.of("rest", all));
        assertEquals(-1L, ((Map<?, ?>) map.get(0L).orElseThrow()).get("rest"));
        map.put(0L, Map.of("a", 7L, "b", -16L, "rest", 1e3));
        assertEquals(Map.of("a", 7L, "b", -16L, "rest", 1000L), map.get(0L).orElseThrow());
        for (Object wrong : new Object[] {1e300, 1e19, -1e19, Double.NaN, Double.POSITIVE_INFINITY, 0.5,
            all.add(BigInteger.ONE), all.negate()}) {
            assertThrows(IllegalArgumentException.class, () -> map.put(0L, Map.of("rest", wrong)),
                    String.valueOf(wrong));
        }
        assertThrows(IllegalArgumentException.class, () -> map.put(0L, Map.of("a", 8L)));
        assertThrows(IllegalArgumentException.class, () -> map.put(0L, Map.of("b", 16L)));
        assertThrows(IllegalArgumentException.class, () -> map.put(0L, Map.of("b", -17L)));
        assertThrows(IllegalArgumentException.class, () -> map.put(1L << 32, Map.of("a", 1L)));
        assertThrows(IllegalStateException.class, () -> map.put(2L, Map.of("a", 1L)));
        assertEquals(Map.of("a", 7L, "b", -16L, "rest", 1000L), map.get(0L).orElseThrow());
    }

    @Test
    void treesThatDoNotMatchAreRefused() {
        ProgramMap map = object.map("fields");
        Object deep = 1L;
        for (int i = 0; i < 5000; i++) {
            deep = List.of(deep);
        }
        Object tree = deep;
        assertThrows(IllegalArgumentException.class, () -> map.put(0L, tree));
        assertThrows(IllegalArgumentException.class, () -> map.put(0L, Map.of("bytes", List.of(1L))));
        assertThrows(IllegalArgumentException.class, () -> map.put(0L, Map.of("", 1L)));
        assertThrows(IllegalArgumentException.class, () -> map.put(0L, Map.of("a[1000000000000]", 1L)));
        assertThrows(IllegalArgumentException.class, () -> map.put(0L, 5L));
        assertThrows(IllegalArgumentException.class, () -> map.put(null, Map.of("a", 1L)));
        assertThrows(IllegalArgumentException.class,
                () -> object.map("addresses").put(0L, Map.of("bytes", List.of(256L))));
    }

    /** A client that asks for all does not take all of the heap: 200 MB are 50,000 lists of 4,096. */
    @Test
    void aDumpHasAnEnd() throws CommandException {
        ProgramRegistry registry = new ProgramRegistry();
        registry.add("maps", object);
        Map<?, ?> result = dump(registry, "bulk");
        assertEquals(255, ((List<?>) result.get("entries")).size());
        assertEquals(true, result.get("more"));
    }

    @Test
    void aLookAtAWideMapAllocatesNothingForEmptyPlaces() {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        assertEquals(0, object.map("wide").entries(1000).size());
        long before = threads.getCurrentThreadAllocatedBytes();
        assertEquals(0, object.map("wide").entries(1000).size());
        long allocated = threads.getCurrentThreadAllocatedBytes() - before;
        assertTrue(allocated < 100_000, "a million places that are empty: " + allocated);
    }

    private static Map<?, ?> dump(ProgramRegistry registry, String map) throws CommandException {
        Command dump = ProgramCommands.of(registry, ProgramOptions.defaults()).stream()
                .filter(command -> command.name().equals("x-bpf-map-dump")).findFirst().orElseThrow();
        Object result = dump.run(dump.check(Map.of("map", map, "limit", 0xFFFF_FFFFL)));
        assertEquals(null, dump.resultFault(result));
        return (Map<?, ?>) result;
    }

    /** Maps without keys, or whose values are no bytes, are shown as well, and changed or refused. */
    @Test
    void mapsOfEachKindCanBeAskedFor() throws Exception {
        ProgramRegistry registry = new ProgramRegistry();
        registry.add("kinds", ProgramObject.load(Clang.compile(folder, "kinds", """
                struct { __uint(type, 27); __uint(max_entries, 4096); } ring SEC(".maps");
                struct { __uint(type, 22); __uint(max_entries, 4); __type(value, __u32); } queue SEC(".maps");
                struct { __uint(type, 3); __uint(max_entries, 2); __type(key, __u32); __type(value, __u32); }
                    calls SEC(".maps");
                struct { __uint(type, 14); __uint(max_entries, 2); __type(key, __u32); __type(value, __u32); }
                    ports SEC(".maps");
                struct { __uint(type, 6); __uint(max_entries, 2); __type(key, __u32); __type(value, __u32); }
                    cpus SEC(".maps");
                static long (*tail_call)(void *, void *, __u32) = (void *) 12;
                static long (*output)(void *, void *, __u64, __u64) = (void *) 130;
                static long (*push)(void *, const void *, __u64) = (void *) 87;
                static long (*redirect_map)(void *, __u32, __u64) = (void *) 51;
                static void *(*lookup)(void *, const void *) = (void *) 1;
                SEC("xdp") int program(struct xdp_md *ctx) {
                    __u32 zero = 0;
                    output(&ring, &zero, 4, 0);
                    push(&queue, &zero, 0);
                    tail_call(ctx, &calls, 0);
                    return lookup(&cpus, &zero) ? redirect_map(&ports, 0, 0) : 1;
                }
                """)));
        for (String map : List.of("ring", "queue", "calls", "ports", "cpus")) {
            assertEquals(map, dump(registry, map).get("name"));
            for (Object key : new Object[] {0L, 2L, "", "00", Map.of(), List.of(), true}) {
                ProgramMap held = registry.map(map);
                for (Object value : new Object[] {1L, "", Map.of(), List.of(1L)}) {
                    try {
                        held.put(key, value);
                    } catch (IllegalArgumentException | IllegalStateException refused) {
                        assertTrue(refused.getMessage() != null);
                    }
                }
                try {
                    held.get(key);
                    held.remove(key);
                } catch (IllegalArgumentException | IllegalStateException refused) {
                    assertTrue(refused.getMessage() != null);
                }
            }
            assertEquals(map, dump(registry, map).get("name"));
        }
    }
}
