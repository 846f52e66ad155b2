package io.vhost.bpf;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.bpf.insn.Code;
import io.vhost.bpf.insn.Insn;
import io.vhost.bpf.insn.ProgramException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Programs put together from objects as clang writes them. */
@Tag("peer")
class ProgramLinkerTest {
    private static final String MAPS = """
            struct { __uint(type, 2); __uint(max_entries, 4); __type(key, __u32); __type(value, __u64); } \
            counters SEC(".maps");
            struct { __uint(type, 1); __uint(max_entries, 4); __type(key, __u32); __type(value, __u64); } \
            flows SEC(".maps");
            static void *(*lookup)(void *, const void *) = (void *) 1;
            """;

    @TempDir
    private Path folder;

    private BpfObject object(String source, String... options)
            throws IOException, InterruptedException, BpfException {
        return BpfObject.read(Clang.compile(folder, "linked", source, options));
    }

    private static Code code(BpfObject object, String name) throws BpfException, ProgramException {
        BpfProgram program = object.programs().stream().filter(p -> p.name().equals(name)).findFirst()
                .orElseThrow();
        LinkedProgram linked = object.link(program);
        return Code.of(name, linked.instructions(),
                linked.functions().stream().map(BpfFunction::name).toList(), linked::source);
    }

    private static long[] insns(Code code, int opcode, int source) {
        return IntStream.range(0, code.length()).mapToLong(code::insn)
                .filter(insn -> Insn.opcode(insn) == opcode && Insn.src(insn) == source).toArray();
    }

    @Test
    void functionsOfOtherSectionsFollowTheProgram() throws Exception {
        Code code = code(object("""
                static __noinline int inner(int x) { return x * 3; }
                __noinline int outer(int x) { return inner(x) + inner(x + 1); }
                SEC("xdp") int first(struct xdp_md *ctx) { return outer(ctx->data); }
                SEC("xdp/second") int second(struct xdp_md *ctx) { return inner(ctx->data_end); }
                """), "first");
        assertEquals(3, code.functions());
        assertEquals("first", code.function(0));
        assertEquals(List.of("outer", "inner"), List.of(code.function(1), code.function(2)));
        int calls = 0;
        for (int at = 0; at < code.length(); at++) {
            if (Insn.opcode(code.insn(at)) == Insn.CALL_INSN) {
                calls++;
                assertEquals(at < code.end(0) ? "outer" : "inner", code.function(code.target(at)));
                assertTrue(code.source(at).contains(at < code.end(0) ? "outer(ctx->data)" : "inner(x)"),
                        code.source(at));
            }
        }
        assertEquals(3, calls);
    }

    @Test
    void mapsAreReferredToByTheirPlace() throws Exception {
        BpfObject object = object(MAPS + """
                SEC("xdp") int count(struct xdp_md *ctx) {
                    __u32 key = 0;
                    __u64 *a = lookup(&flows, &key);
                    __u64 *b = lookup(&counters, &key);
                    return a && b ? *a + *b : 0;
                }
                """);
        long[] loads = insns(code(object, "count"), Insn.LDDW, Insn.LDDW_MAP);
        assertEquals(List.of("flows", "counters"), IntStream.of(Insn.imm(loads[0]), Insn.imm(loads[1]))
                .mapToObj(i -> object.maps().get(i).name()).toList());
    }

    @Test
    void variablesAreOffsetsInTheirSectionsValue() throws Exception {
        BpfObject object = object("""
                volatile int zero;
                volatile int first = 7;
                static volatile int second = 9;
                const volatile int fixed = 11;
                SEC("xdp") int sum(struct xdp_md *ctx) { return zero + first + second + fixed; }
                """);
        Code code = code(object, "sum");
        int[] values = new int[4];
        int found = 0;
        for (int at = 0; at < code.length(); at++) {
            if (Insn.opcode(code.insn(at)) == Insn.LDDW) {
                assertEquals(Insn.LDDW_MAP_VALUE, Insn.src(code.insn(at)));
                BpfMap map = object.maps().get(Insn.imm(code.insn(at)));
                byte[] data = object.initialData(map);
                int offset = Insn.imm(code.insn(at + 1));
                values[found++] = data.length == 0 ? 0 : data[offset];
                assertEquals(map.name().equals(".bss"), data.length == 0);
                at++;
            }
        }
        Arrays.sort(values);
        assertArrayEquals(new int[] {0, 7, 9, 11}, values);
    }

    @Test
    void theAddressOfAFunctionIsADistance() throws Exception {
        Code code = code(object("""
                static long (*loop)(__u32, void *, void *, __u64) = (void *) 181;
                static __noinline long each(__u32 i, void *sum) { *(__u32 *) sum += i; return 0; }
                SEC("xdp") int run(struct xdp_md *ctx) { __u32 sum = 0; loop(4, each, &sum, 0); return sum; }
                """), "run");
        for (int at = 0; at < code.length(); at++) {
            if (Insn.opcode(code.insn(at)) == Insn.LDDW) {
                assertEquals(Insn.LDDW_FUNCTION, Insn.src(code.insn(at)));
                assertEquals("each", code.function(code.target(at)));
                return;
            }
        }
        throw new AssertionError("no address of a function");
    }

    @Test
    void aBigEndianObjectGivesTheSameInstructions() throws Exception {
        String source = MAPS + """
                static __noinline int twice(int x) { return x * 2; }
                SEC("xdp") int count(struct xdp_md *ctx) {
                    __u32 key = twice(ctx->rx_queue_index);
                    __u64 *a = lookup(&counters, &key);
                    return a ? *a : 0;
                }
                """;
        long[] little = code(object(source), "count").insns();
        long[] big = code(object(source, "-target", "bpfeb"), "count").insns();
        assertArrayEquals(little, big);
    }

    @Test
    void whatIsOnlyDeclaredIsNamed() throws Exception {
        BpfObject object = object("""
                extern int elsewhere(int x);
                SEC("xdp") int calls(struct xdp_md *ctx) { return elsewhere(ctx->data); }
                """);
        BpfException refused = assertThrows(BpfException.class,
                () -> object.link(object.programs().getFirst()));
        assertEquals(BpfException.Stage.LINK, refused.stage());
        assertTrue(refused.text().contains("elsewhere, which is only declared: define it"), refused.text());
        assertTrue(refused.text().contains("return elsewhere(ctx->data)"), refused.text());
    }
}
