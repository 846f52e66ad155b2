package io.vhost.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.bpf.context.CheckMode;
import io.vhost.bpf.context.ContextTypes;
import io.vhost.bpf.context.FunctionCheck;
import io.vhost.bpf.context.FunctionCheck.Verdict;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Contexts that a program passes to what it calls. */
@Tag("peer")
class PassedContextsTest {
    /** A global function that only programs of another type may give their context to. */
    private static final String FOREIGN = """
            __noinline int part(struct __sk_buff *s) { return s ? s->len : 0; }
            """;

    @TempDir
    private Path folder;

    private List<FunctionCheck> check(String source, CheckMode mode, String... options) throws Exception {
        BpfObject object = BpfObject.read(Clang.compile(folder, "object", source, options));
        return object.check(object.programs().getFirst(), ContextTypes.shipped(), mode);
    }

    private static List<Verdict> verdicts(List<FunctionCheck> checks) {
        return checks.stream().map(FunctionCheck::verdict).toList();
    }

    private static FunctionCheck of(String function, List<FunctionCheck> checks) {
        return checks.stream().filter(c -> c.function().equals(function)).findFirst().orElseThrow();
    }

    private static Verdict worst(List<FunctionCheck> checks) {
        return checks.stream().map(FunctionCheck::verdict).max(Verdict::compareTo).orElseThrow();
    }

    @ParameterizedTest
    @ValueSource(strings = {"little", "big"})
    void theContextOfAnotherTypeIsRefusedWhereItIsPassed(String order) throws Exception {
        String machine = order.equals("little") ? "bpfel" : "bpfeb";
        List<FunctionCheck> checks = check(FOREIGN + """
                SEC("xdp") int filter(struct xdp_md *c) {
                    int kept = c->data;
                    return part((void *) c) + kept; }
                """, CheckMode.KERNEL, "-target", machine);
        assertEquals("""
                passes its context to part(), whose arg#0 is `struct __sk_buff *`
                ; return part((void *) c) + kept; } @ object.c:4
                """, checks.getFirst().log());
        assertEquals(List.of(Verdict.REJECT, Verdict.PASS), verdicts(checks));
        assertEquals("EINVAL", checks.getFirst().errno().orElseThrow().name());
    }

    @Test
    void whatIsRefusedItselfIsNotRefusedWhereItIsCalled() throws Exception {
        String source = FOREIGN + "SEC(\"xdp\") int filter(struct xdp_md *c) { return part((void *) c); }";
        assertEquals(List.of(Verdict.PASS, Verdict.REJECT), verdicts(check(source, CheckMode.STRICT)));
        assertEquals(Verdict.UNRELIABLE, worst(check(source, CheckMode.SEED)), "2019 refused no call");
    }

    @Test
    void staticFunctionsHandOnWhatTheyAreGiven() throws Exception {
        String deep = FOREIGN + """
                static __noinline int deeper(int x, void *c) { return part(c) + x; }
                static __noinline int deep(void *c, int x) { return deeper(x, c) + 1; }
                SEC("xdp") int filter(struct xdp_md *c) { return deep(c, c->data); }
                """;
        List<FunctionCheck> checks = check(deep, CheckMode.KERNEL);
        assertEquals(Verdict.REJECT, of("deeper", checks).verdict());
        assertTrue(of("deeper", checks).log().contains("passes its context to part()"), checks::toString);
        // The kernel looks at each way to a static function.
        String sometimes = deep.replace("deep(c, c->data)", "deep(c, 1) + deeper(2, 0)");
        assertEquals(Verdict.REJECT, of("deeper", check(sometimes, CheckMode.KERNEL)).verdict());
        String never = deep.replace("deep(c, c->data)", "deep(0, 1) + deeper(c->data, 0)");
        assertTrue(worst(check(never, CheckMode.KERNEL)) != Verdict.REJECT);
    }

    @Test
    void globalFunctionsAreGivenWhatTheirTypesSay() throws Exception {
        List<FunctionCheck> checks = check(FOREIGN + """
                __noinline int global(int x, struct xdp_md *c) { return part((void *) c) + x; }
                SEC("xdp") int filter(struct xdp_md *c) { return global(c->data, c); }
                """, CheckMode.KERNEL);
        assertEquals(Verdict.REJECT, of("global", checks).verdict());
        assertEquals(Verdict.PASS, checks.getFirst().verdict());
    }

    @Test
    void aContextIsNoNumber() throws Exception {
        assertEquals("passes its context to part(), whose arg#1 is `long`\n", check("""
                __noinline int part(int x, long y) { return x + (int) y; }
                SEC("xdp") int filter(struct xdp_md *c) { return part(1, (long) c); }
                """, CheckMode.KERNEL).getFirst().log().replaceFirst(";.*\n", ""));
    }

    /** Its own context, memory, nothing at all; and programs that read their context as it is. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "xdp | struct xdp_md *s | s->data | part(c)",
        "xdp | long *s | s ? *s : 0 | ({ long x = c->data; part(&x); })",
        "xdp | struct __sk_buff *s | s ? s->len : 0 | part(0)",
        "syscall | struct __sk_buff *s | s ? s->len : 0 | part((void *) c)",
        "kprobe | struct __sk_buff *s | s ? s->len : 0 | part((void *) c)"})
    void whatTheKernelTakesPasses(String section, String argument, String body, String call)
            throws Exception {
        List<FunctionCheck> checks = check("""
                __noinline int part(%s) { return %s; }
                SEC("%s") int filter(struct xdp_md *c) { return %s; }
                """.formatted(argument, body, section, call), CheckMode.KERNEL);
        assertEquals(2, checks.size());
        assertTrue(worst(checks) != Verdict.REJECT, checks::toString);
    }

    /** Others call it, with arguments of their own. */
    @Test
    void aFunctionWhoseAddressIsTakenIsGivenNothingThatIsKnown() throws Exception {
        List<FunctionCheck> checks = check(FOREIGN + """
                static long (*loop)(__u32, void *, void *, __u64) = (void *) 181;
                static int each(void *index, void *c) { return part(index); }
                SEC("xdp") int filter(struct xdp_md *c) { return loop(5, each, c, 0); }
                """, CheckMode.KERNEL);
        assertTrue(checks.stream().anyMatch(c -> c.function().equals("each")), checks::toString);
        assertTrue(worst(checks) != Verdict.REJECT, checks::toString);
    }
}
