package io.vhost.bpf.load;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.bpf.BpfObject;
import io.vhost.bpf.Clang;
import io.vhost.bpf.helper.HelperPrototype;
import io.vhost.bpf.helper.Returns;
import io.vhost.bpf.insn.ProgramException;
import io.vhost.bpf.map.MapException;
import io.vhost.bpf.map.MapFactory;
import io.vhost.bpf.mem.Address;
import io.vhost.bpf.run.Abort;
import io.vhost.bpf.run.ContextLayout;
import io.vhost.bpf.run.Cpu;
import io.vhost.bpf.run.PacketBuffer;
import io.vhost.bpf.view.TypedMap;
import io.vhost.bpf.view.TypedValue;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What maps hold before any program runs: what the object says, then what the application sets. */
@Tag("peer")
class InitialContentsTest {
    private static final String MAPS = """
            #define __array(name, value) typeof(value) *name[]
            static void *(*lookup)(void *, const void *) = (void *) 1;
            static long (*tail)(void *, void *, __u32) = (void *) 12;
            struct inner { __uint(type, 2); __uint(max_entries, 1); __type(key, __u32); \
            __type(value, __u32); };
            struct inner first SEC(".maps"), second SEC(".maps");
            """;

    private final MapFactory factory = new MapFactory(1, 1 << 20);
    private final Cpu cpu = new Cpu(0);
    private final PacketBuffer buffer = new PacketBuffer(cpu, ContextLayout.XDP);

    @TempDir
    private Path folder;

    private BpfObject object(String source) throws Exception {
        return BpfObject.read(Clang.compile(folder, "initial", source));
    }

    private long run(LoadedObject loaded, String name, int... packet) {
        byte[] bytes = new byte[64];
        for (int i = 0; i < packet.length; i++) {
            bytes[i] = (byte) packet[i];
        }
        buffer.set(bytes, 1, 0);
        long result = loaded.program(name).run(cpu, Address.CONTEXT, 0);
        assertEquals(Abort.NONE, cpu.abort());
        return result;
    }

    /** A loop ends where a constant says: the verifier knows it, and nobody can change it any more. */
    @Test
    void constantsAreNumbersThatAreKnown() throws Exception {
        BpfObject object = object("""
                const volatile unsigned rounds = 5;
                const volatile signed char step = -3;
                SEC("xdp") int count(struct xdp_md *ctx) {
                    int sum = 0;
                    for (unsigned i = 0; i < rounds; i++) { sum += step; asm volatile("" : "+r"(sum)); }
                    return sum;
                }
                """);
        LoadedObject loaded = LoadedObject.load(object, factory);
        assertTrue(loaded.verdict("count").ends());
        assertEquals(-15, (int) run(loaded, "count"));
        LoadedObject more = LoadedObject.load(object, LoadOptions.of(factory).set("rounds", 100));
        assertEquals(-300, (int) run(more, "count"));
        assertTrue(more.verdict("count").processed() > loaded.verdict("count").processed() + 95 * 3);
        assertThrows(ProgramException.class,
                () -> LoadedObject.load(object, LoadOptions.of(factory).set("rounds", 10_000_000)));
        TypedMap constants = loaded.typed(".rodata");
        TypedValue value = constants.get(constants.newKey()).orElseThrow();
        assertEquals(-1, constants.put(constants.newKey(), value.set("rounds", 6), 0, 0));
        assertTrue(loaded.map(".rodata").values().isReadOnly());
        assertEquals(-15, (int) run(loaded, "count"));
    }

    @Test
    void variablesAreSetBeforeAnythingRuns() throws Exception {
        BpfObject object = object("""
                struct limits { __u32 rate; unsigned short ports[4]; };
                const volatile struct limits limits = { 1, { 2, 3, 4, 5 } };
                const volatile __u32 debug;
                extern int CONFIG_HZ __attribute__((section(".kconfig")));
                int counter = 40;
                SEC("xdp") int sum(struct xdp_md *ctx) {
                    return limits.rate + limits.ports[2] + debug + CONFIG_HZ + ++counter;
                }
                """);
        LoadOptions options = LoadOptions.of(factory);
        assertEquals(1 + 4 + 41, run(LoadedObject.load(object, options), "sum"));
        LoadedObject loaded = LoadedObject.load(object, options.set("limits.rate", 100)
                .set("limits.ports[2]", 200).set("debug", 300).set("CONFIG_HZ", 1000).set("counter", 5));
        assertEquals(100 + 200 + 300 + 1000 + 6, run(loaded, "sum"));
        assertEquals(6, loaded.typed(".data").get(loaded.typed(".data").newKey()).orElseThrow()
                .number("counter"));
        assertEquals(".kconfig: ARRAY, 1 entry\n  {CONFIG_HZ = 1000}\n", loaded.typed(".kconfig").toString());
        assertTrue(assertThrows(IllegalArgumentException.class, () -> LoadedObject.load(object,
                options.set("nobody", 1))).getMessage().startsWith("no variable nobody; there are ["));
        assertThrows(IllegalArgumentException.class, () -> LoadedObject.load(object,
                options.set("limits.none", 1)));
    }

    @Test
    void mapsOfProgramsBeginWithThoseThatTheObjectNames() throws Exception {
        LoadedObject loaded = LoadedObject.load(object(MAPS + """
                int two(struct xdp_md *ctx);
                struct { __uint(type, 3); __uint(max_entries, 4); __uint(key_size, 4); \
                __array(values, int (void *)); } next SEC(".maps") = { .values = { [2] = (void *) &two } };
                SEC("xdp") int one(struct xdp_md *ctx) { tail(ctx, &next, 2); return 1; }
                SEC("xdp") int two(struct xdp_md *ctx) { tail(ctx, &next, 1); return 2; }
                """), factory);
        assertEquals(2, run(loaded, "one"));
        assertEquals("next: PROG_ARRAY\n  2: program two\n", loaded.typed("next").toString());
    }

    @Test
    void mapsOfMapsBeginWithThoseThatTheObjectNames() throws Exception {
        for (int type : List.of(12, 13)) {
            LoadedObject loaded = LoadedObject.load(object(MAPS + """
                    struct { __uint(type, %d); __uint(max_entries, 8); __type(key, __u32); \
                    __array(values, struct inner); } outer SEC(".maps") = \
                    { .values = { [1] = &first, [5] = &second } };
                    SEC("xdp") int one(struct xdp_md *ctx) {
                        unsigned char *p = (void *) (long) ctx->data;
                        if ((void *) (p + 2) > (void *) (long) ctx->data_end) return -1;
                        __u32 which = p[0], zero = 0;
                        void *map = lookup(&outer, &which);
                        if (!map) return -2;
                        __u32 *value = lookup(map, &zero);
                        if (!value) return -3;
                        *value += p[1];
                        return *value;
                    }
                    """.formatted(type)), factory);
            assertEquals(-2, (int) run(loaded, "one", 0, 9));
            assertEquals(7, run(loaded, "one", 1, 7));
            assertEquals(8, run(loaded, "one", 5, 8));
            assertEquals(10, run(loaded, "one", 1, 3));
            assertEquals(10, loaded.typed("first").number(0).orElseThrow());
            assertEquals(8, loaded.typed("second").number(0).orElseThrow());
            assertTrue(loaded.typed("outer").toString().contains("\n  5: map second\n"),
                    () -> loaded.typed("outer").toString());
        }
    }

    @Test
    void anInnerMapOfAnotherShapeIsRefused() throws Exception {
        BpfObject object = object(MAPS + """
                struct { __uint(type, 2); __uint(max_entries, 2); __type(key, __u32); \
                __type(value, __u32); } large SEC(".maps");
                struct { __uint(type, 12); __uint(max_entries, 8); __type(key, __u32); \
                __array(values, struct inner); } outer SEC(".maps") = { .values = { (void *) &large } };
                """);
        MapException refused = assertThrows(MapException.class, () -> LoadedObject.load(object, factory));
        assertEquals(22, refused.errno());
        assertTrue(refused.getMessage().startsWith("map outer: slot 0 holds large, which is no map like"),
                refused.getMessage());
    }

    @Test
    void helpersOfTheApplicationAreCalled() throws Exception {
        LoadedObject loaded = LoadedObject.load(object("""
                static long (*triple)(long) = (void *) 4711;
                SEC("xdp") int one(struct xdp_md *ctx) { return triple(14); }
                """), LoadOptions.of(factory).with(new HelperPrototype(4711, "triple", false, Returns.NUMBER,
                List.of(io.vhost.bpf.helper.Argument.ANYTHING), (_, x, _, _, _, _) -> 3 * x)));
        assertEquals(42, run(loaded, "one"));
    }
}
