package io.vhost.bpf.load;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.bpf.BpfObject;
import io.vhost.bpf.Clang;
import io.vhost.bpf.insn.ProgramException;
import io.vhost.bpf.map.MapException;
import io.vhost.bpf.map.MapFactory;
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
