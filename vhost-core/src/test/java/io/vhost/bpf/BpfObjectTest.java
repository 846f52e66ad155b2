package io.vhost.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.bpf.btf.BtfDump;
import io.vhost.bpf.btf.BtfKind;
import io.vhost.bpf.btf.BtfType;
import io.vhost.bpf.context.Argument;
import io.vhost.bpf.context.CheckMode;
import io.vhost.bpf.context.ContextTypes;
import io.vhost.bpf.context.FunctionCheck;
import io.vhost.bpf.context.FunctionCheck.Verdict;
import io.vhost.peer.Peers;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Objects that clang compiles in the test. */
@Tag("peer")
class BpfObjectTest {
    private static final String PROGRAMS = """
            int seen; static volatile const int limit = 7; const char text[8] = "hallo"; long zero[4];
            extern int OPTION __attribute__((section(".kconfig")));
            extern void kernel_function(struct xdp_md *) __attribute__((section(".ksyms")));
            extern const void kernel_object __attribute__((section(".ksyms")));
            struct key { __u32 a, b; };
            struct { __uint(type, 1); __uint(max_entries, 64); __type(key, struct key); \
            __type(value, __u64); }
                flows SEC(".maps");
            struct { __uint(type, 2); __uint(key_size, 4); __uint(value_size, 8); __uint(max_entries, 1);
                __uint(map_flags, 1024); } counts SEC(".maps");
            __noinline int shared(struct xdp_md *c) { volatile int x = c->ingress_ifindex; return x; }
            static __noinline int own(struct xdp_md *c, int z) { volatile int x = c->data + z; return x; }
            __attribute__((noinline, visibility("hidden"))) int hidden(struct __sk_buff *c) {
                volatile int x = c->len; return x; }
            __noinline int wrong(struct xdp_md *c, struct __sk_buff **d) { \
            volatile int x = c->data; return x; }
            SEC("xdp") int first(struct xdp_md *c) { seen++; zero[1]++; \
            return shared(c) + own(c, limit) + OPTION; }
            SEC("xdp")
            int second(struct __sk_buff *c) { return text[seen & 7] + hidden(c); }
            SEC("tc") int third(struct __sk_buff *c) {
                kernel_function((void *) c); return c->len + (long) &kernel_object; }
            SEC("socket") int fourth(void *c) { return 0; }
            SEC("nothing") int fifth(struct xdp_md *c) { return 0; }
            SEC("xdp/devmap") int sixth(struct xdp_md *c) { return wrong(c, 0); }
            SEC("fentry/vfs_read") int seventh(__u64 *c) { return c[0]; }
            SEC("fexit/vfs_read") int eighth(void *c) { return 0; }
            """;

    @TempDir
    private Path folder;

    @Test
    void programsMapsAndTypesAreFound() throws Exception {
        BpfObject object = BpfObject.read(Clang.compile(folder, "programs", PROGRAMS));
        assertEquals("GPL", object.license());
        assertEquals(List.of("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth"),
                object.programs().stream().map(BpfProgram::name).toList());
        assertEquals(List.of("shared", "own"),
                object.programs().getFirst().called().stream().map(BpfFunction::name).toList());
        assertEquals(List.of(
                new BpfMap("flows", 1, 8, 8, 64, 0, "struct key", "__u64"),
                new BpfMap("counts", 2, 4, 8, 1, 1024, "", ""),
                new BpfMap(".rodata", 2, 4, 12, 1, 0x480, "", ""),
                new BpfMap(".bss", 2, 4, 40, 1, 0x400, "", ""),
                new BpfMap(".kconfig", 2, 4, 4, 1, 0x480, "", "")), object.maps());
        assertEquals("hash", object.maps().getFirst().typeName());
        BpfFunction second = object.programs().get(1).function();
        assertTrue(second.source().endsWith(" @ programs.c:17"), second::source);
        assertEquals(second.offset(), second.lines().getFirst().offset());
    }

    @Test
    void programsAreJudgedInEachMode() throws Exception {
        BpfObject object = BpfObject.read(Clang.compile(folder, "programs", PROGRAMS));
        assertEquals(List.of(Verdict.PASS, Verdict.REJECT, Verdict.PASS, Verdict.REJECT, Verdict.REJECT,
                Verdict.PASS, Verdict.PASS, Verdict.PASS), verdicts(object, CheckMode.STRICT));
        assertEquals(List.of(Verdict.PASS, Verdict.UNRELIABLE, Verdict.PASS, Verdict.UNRELIABLE,
                Verdict.REJECT,
                Verdict.PASS, Verdict.UNRELIABLE, Verdict.UNRELIABLE), verdicts(object, CheckMode.KERNEL));
        assertEquals(List.of(Verdict.PASS, Verdict.REJECT, Verdict.PASS, Verdict.REJECT, Verdict.REJECT,
                Verdict.PASS, Verdict.REJECT, Verdict.REJECT), verdicts(object, CheckMode.SEED));
        FunctionCheck called = check(object, 5, CheckMode.STRICT).get(1);
        assertEquals(List.of(Argument.Kind.CONTEXT, Argument.Kind.MEMORY),
                called.arguments().stream().map(Argument::kind).toList());
    }

    @Test
    void aWrongProgramIsToldBothTypesTheArgumentAndTheLine() throws Exception {
        BpfObject object = BpfObject.read(Clang.compile(folder, "programs", PROGRAMS));
        assertEquals("""
                arg#0 is `struct __sk_buff *`, XDP programs take `struct xdp_md *`
                ; int second(struct __sk_buff *c) { return text[seen & 7] + hidden(c); } @ programs.c:17
                """, check(object, 1, CheckMode.STRICT).getFirst().log());
        assertTrue(check(object, 4, CheckMode.STRICT).getFirst().log().contains("section name 'nothing'"));
    }

    @Test
    void aLoaderFixesWhatTheCompilerLeavesOpen() throws Exception {
        BpfObject object = BpfObject.read(Clang.compile(folder, "programs", PROGRAMS));
        BtfType.Section kernel = section(object, ".ksyms");
        assertEquals(8, kernel.size());
        assertEquals(List.of(0L, 4L), kernel.variables().stream().map(BtfType.Placed::offset).toList());
        BtfType.Section zero = section(object, ".bss");
        assertEquals(List.of(0L, 8L),
                zero.variables().stream().map(BtfType.Placed::offset).sorted().toList());
        assertEquals(BtfType.Function.STATIC, function(object, "hidden").linkage());
        assertEquals(BtfType.Function.GLOBAL, function(object, "kernel_function").linkage());
        assertEquals(4, section(object, ".kconfig").size());
    }

    @Test
    void anObjectWithoutNamesOfParametersIsRefusedWithTheRemedy() throws Exception {
        Path object = Clang.compile(folder, "plain", PROGRAMS, "-O0");
        BpfException refusal = assertThrows(BpfException.class, () -> BpfObject.read(object));
        assertEquals(BpfException.Stage.VALIDATE, refusal.stage());
        assertEquals("Invalid arg#1 (EINVAL): function shared has parameters without names, as clang -O0"
                + " writes them; compile with -O1 or more", refusal.text());
    }

    @Test
    void objectsOfBigEndianMachinesAreRead() throws Exception {
        BpfObject little = BpfObject.read(Clang.compile(folder, "little", PROGRAMS));
        BpfObject big = BpfObject.read(Clang.compile(folder, "big", PROGRAMS, "--target=bpfeb"));
        assertEquals(ByteOrder.BIG_ENDIAN, big.btf().byteOrder());
        assertEquals(BtfDump.all(little.btf()), BtfDump.all(big.btf()));
        assertEquals(little.maps(), big.maps());
        assertEquals(verdicts(little, CheckMode.STRICT), verdicts(big, CheckMode.STRICT));
        assertEquals(little.programs().getFirst().called().stream().map(BpfFunction::name).toList(),
                big.programs().getFirst().called().stream().map(BpfFunction::name).toList());
    }

    @Test
    void callsWithinASectionAreFollowed() throws Exception {
        BpfObject object = BpfObject.read(Clang.compile(folder, "calls", """
                SEC("xdp") __noinline int leaf(struct xdp_md *c) { volatile int x = 1; return x; }
                static __noinline int middle(struct xdp_md *c) { volatile int x = leaf(c); return x; }
                SEC("xdp") int root(struct xdp_md *c) { return middle(c) + leaf(c); }
                """));
        BpfProgram root = object.programs().stream().filter(p ->
                p.name().equals("root")).findFirst().orElseThrow();
        assertEquals(List.of("middle", "leaf"), root.called().stream().map(BpfFunction::name).toList());
    }

    @Test
    void ourDumpAgreesWithBpftools() throws Exception {
        Peers.require("bpftool");
        Path object = Clang.compile(folder, "dump", """
                enum plain { A, B = 5 }; enum minus { C = -1 }; enum wide { D = 0x1234567890ULL };
                struct bits { int a : 3; unsigned b : 5; long c; }; union u { int i; float f; double d; };
                typedef int (*callback)(struct bits *, const char *, ...);
                struct holder { enum plain p; enum minus m; enum wide w; struct bits b; union u u; callback c;
                    int array[3][4]; volatile const int *restrict r; struct announced *a; _Bool flag;
                    int __attribute__((btf_type_tag("user"))) *tagged; }
                    __attribute__((btf_decl_tag("mark")));
                struct holder data; static int hidden_one = 3; const int fixed = 4;
                SEC("xdp") int program(struct xdp_md *c) {
                    return data.p + *(volatile int *) &hidden_one + fixed; }
                """);
        BpfObject ours = BpfObject.read(object);
        String theirs = Clang.run("bpftool", "btf", "dump", "file", object.toString(), "format", "raw");
        // bpftool shows sections as the compiler left them, without the fixes of a loader.
        assertEquals(withoutSections(theirs), withoutSections(BtfDump.all(ours.btf())));
        Path bare = Files.write(folder.resolve("bare.btf"), ours.btf().toBytes());
        assertEquals(Clang.run("bpftool", "btf", "dump", "file", bare.toString(), "format", "raw"),
                BtfDump.all(ours.btf()));
    }

    private static String withoutSections(String dump) {
        StringBuilder kept = new StringBuilder();
        boolean section = false;
        for (String line : dump.lines().toList()) {
            section = line.startsWith("\t") ? section : line.contains("] DATASEC ");
            if (!section) {
                kept.append(line).append('\n');
            }
        }
        return kept.toString();
    }

    private static BtfType.Section section(BpfObject object, String name) {
        return (BtfType.Section) object.btf().type(object.btf().find(BtfKind.DATASEC, name));
    }

    private static BtfType.Function function(BpfObject object, String name) {
        return (BtfType.Function) object.btf().type(object.btf().find(BtfKind.FUNC, name));
    }

    private static List<FunctionCheck> check(BpfObject object, int program, CheckMode mode) {
        return object.check(object.programs().get(program), ContextTypes.shipped(), mode);
    }

    private static List<Verdict> verdicts(BpfObject object, CheckMode mode) {
        return object.programs().stream()
                .map(program -> object.check(program, ContextTypes.shipped(),
                mode).getFirst().verdict()).toList();
    }
}
