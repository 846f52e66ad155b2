package io.vhost.bpf.load;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.bpf.BpfObject;
import io.vhost.bpf.Clang;
import io.vhost.bpf.insn.ProgramException;
import io.vhost.bpf.map.MapException;
import io.vhost.bpf.map.MapFactory;
import io.vhost.bpf.mem.Address;
import io.vhost.bpf.run.Abort;
import io.vhost.bpf.run.ContextLayout;
import io.vhost.bpf.run.Cpu;
import io.vhost.bpf.verify.Mode;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is loaded, and what is refused with which words. */
@Tag("peer")
class LoadedObjectTest {
    private final MapFactory factory = new MapFactory(1, 1 << 20);

    private final Cpu cpu = new Cpu(0);

    @TempDir
    private Path folder;

    private BpfObject object(String source, String... options) throws Exception {
        return BpfObject.read(Clang.compile(folder, "loaded", source, options));
    }

    private ProgramException refused(BpfObject object) {
        return assertThrows(ProgramException.class, () -> LoadedObject.load(object, factory));
    }

    @Test
    void programsAndFilledMapsAreFoundByName() throws Exception {
        LoadedObject loaded = LoadedObject.load(object("""
                volatile int first = 7;
                SEC("xdp") int one(struct xdp_md *ctx) { return first; }
                SEC("tc") int two(struct __sk_buff *ctx) { return ctx->mark; }
                """), factory);
        assertEquals(Set.of("one", "two"), loaded.programs().keySet());
        assertEquals(7, loaded.map(".data").values().get(ValueLayout.JAVA_INT, 0));
        assertTrue(loaded.whyInterpreted("one").isEmpty());
        assertTrue(assertThrows(IllegalArgumentException.class, () -> loaded.program("three")).getMessage()
                .startsWith("no program three; there are [one, two]"));
    }

    @Test
    void anObjectOfTheOtherByteOrderIsRefused() throws Exception {
        boolean little = ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN;
        BpfObject other = object("""
                SEC("xdp") int one(struct xdp_md *ctx) { return 1; }
                """, "-target", little ? "bpfeb" : "bpfel");
        assertTrue(refused(other).text().contains("compile with -target bpf"));
    }

    @Test
    void aProgramOfAnotherTypeIsRefusedWithItsSection() throws Exception {
        BpfObject other = object("""
                SEC("kprobe/x") int probe(void *ctx) { return 1; }
                """);
        assertTrue(refused(other).text().startsWith("program probe in section kprobe/x: only programs of"));
    }

    @Test
    void anUnknownHelperIsNamedWithItsLine() throws Exception {
        ProgramException refused = refused(object("""
                static long (*nobody)(int) = (void *) 4711;
                SEC("xdp") int one(struct xdp_md *ctx) { return nobody(3); }
                """));
        assertTrue(refused.getMessage().contains("return nobody(3)"), refused.getMessage());
        assertTrue(refused.text().startsWith("invalid func unknown#4711"), refused.text());
    }

    @Test
    void aProgramThatReadsBehindThePacketIsRefusedWithWhatToChange() throws Exception {
        BpfObject object = object("""
                SEC("xdp") int one(struct xdp_md *ctx) {
                    unsigned char *p = (void *) (long) ctx->data;
                    return p[13];
                }
                """);
        ProgramException refused = refused(object);
        assertTrue(refused.getMessage().startsWith("check that data + 14 <= data_end before this access; "
                + "instruction 1 (return p[13]; @ loaded.c:3): invalid access to packet, off=13 size=1"),
                refused.getMessage());
        assertEquals("", refused.log());
        refused = assertThrows(ProgramException.class,
                () -> LoadedObject.load(object, factory, Mode.STRICT, 1));
        assertTrue(refused.log().contains("; return p[13]; @ loaded.c:3\n1: (71) r0 = *(u8 *)(r"),
                refused.log());
        assertFalse(LoadedObject.loadUnverified(object, factory).verdict("one").ends());
    }

    @Test
    void aLoopWithoutAKnownEndRunsWithABudget() throws Exception {
        BpfObject object = object("""
                SEC("xdp") int one(struct xdp_md *ctx) {
                    volatile int wanted = ctx->rx_queue_index;
                    while (wanted) { }
                    return 2;
                }
                """);
        assertTrue(refused(object).text().contains("infinite loop detected"));
        LoadedObject loaded = LoadedObject.load(object, factory, Mode.BUDGETED, 0);
        assertFalse(loaded.verdict("one").ends());
        assertEquals(2, run(loaded, 0));
        assertEquals(Abort.NONE, cpu.abort());
        assertEquals(0, run(loaded, 1));
        assertEquals(Abort.BUDGET, cpu.abort());
    }

    @Test
    void aProgramThatIsKnownToEndNeedsNoBudgetButForCallbacks() throws Exception {
        LoadedObject loaded = LoadedObject.load(object("""
                static __noinline int twice(int n) { return n * 2; }
                SEC("xdp") int one(struct xdp_md *ctx) {
                    unsigned int sum = 0;
                    for (int i = 0; i < 100; i++) { asm volatile ("" : "+r"(sum)); sum += i; }
                    return sum + twice(ctx->rx_queue_index);
                }
                static long (*loop)(__u32, void *, void *, __u64) = (void *) 181;
                static int step(__u32 i, void *p) { return 0; }
                SEC("xdp") int two(struct xdp_md *ctx) { return loop(100, step, 0, 0); }
                """), factory);
        cpu.budget(1);
        assertEquals(4950 + 6, run(loaded, 3));
        assertEquals(Abort.NONE, cpu.abort());
        cpu.memory().context(Arena.ofAuto().allocate(ContextLayout.XDP.size(), 8));
        loaded.program("two").run(cpu, Address.CONTEXT, 0);
        assertEquals(Abort.BUDGET, cpu.abort());
        cpu.budget(100);
        assertEquals(100, loaded.program("two").run(cpu, Address.CONTEXT, 0));
    }

    @Test
    void locksAndMapsInMapsAreKnownByTheirTypes() throws Exception {
        String source = """
                struct bpf_spin_lock { __u32 val; };
                struct value { __u64 count; struct bpf_spin_lock lock; };
                struct { __uint(type, 2); __uint(max_entries, 1); __type(key, __u32); \
                __type(value, struct value); } counts SEC(".maps");
                struct inner { __uint(type, 2); __uint(max_entries, 4); __type(key, __u32); \
                __type(value, __u64); };
                struct { __uint(type, 12); __uint(max_entries, 2); __uint(key_size, 4); \
                __array(values, struct inner); } outer SEC(".maps");
                static void *(*lookup)(void *, const void *) = (void *) 1;
                static long (*lock)(void *) = (void *) 93;
                static long (*unlock)(void *) = (void *) 94;
                SEC("xdp") int one(struct xdp_md *ctx) {
                    __u32 key = 0;
                    struct value *v = lookup(&counts, &key);
                    if (!v) return 0;
                    LOCK
                    v->count++;
                    unlock(&v->lock);
                    void *map = lookup(&outer, &key);
                    if (!map) return 1;
                    __u64 *w = lookup(map, &key);
                    return w ? w[AT] : 2;
                }
                """.replace("__array(values, struct inner)", "struct inner *values[]");
        assertTrue(LoadedObject.load(object(source, "-DLOCK=lock(&v->lock);", "-DAT=0"), factory)
                .verdict("one").ends());
        assertTrue(refused(object(source, "-DLOCK=", "-DAT=0")).text()
                .contains("bpf_spin_unlock without taking a lock"));
        assertTrue(refused(object(source, "-DLOCK=lock(&v->lock);", "-DAT=1")).text()
                .contains("invalid access to map value, value_size=8 off=8 size=8"));
        assertTrue(refused(object(source, "-DLOCK=v->lock.val=1;lock(&v->lock);", "-DAT=0")).text()
                .contains("bpf_spin_lock cannot be accessed directly by load/store"));
    }

    private int run(LoadedObject loaded, int queue) {
        MemorySegment context = Arena.ofAuto().allocate(ContextLayout.XDP.size(), 8);
        context.set(ValueLayout.JAVA_INT, 16, queue);
        cpu.memory().context(context);
        return (int) loaded.program("one").run(cpu, Address.CONTEXT, 0);
    }

    @Test
    void aMapThatIsTooLargeIsNamed() throws Exception {
        BpfObject large = object("""
                struct { __uint(type, 2); __uint(max_entries, 1000000); __type(key, __u32); \
                __type(value, __u64); } large SEC(".maps");
                """);
        MapException refused = assertThrows(MapException.class, () -> LoadedObject.load(large, factory));
        assertEquals(12, refused.errno());
        assertTrue(refused.getMessage().startsWith("map large: 1000000 entries take 8000000 bytes"));
    }
}
