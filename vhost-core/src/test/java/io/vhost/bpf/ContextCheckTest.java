package io.vhost.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.bpf.btf.BtfType;
import io.vhost.bpf.context.AttachType;
import io.vhost.bpf.context.CheckMode;
import io.vhost.bpf.context.ContextCheck;
import io.vhost.bpf.context.ContextType;
import io.vhost.bpf.context.ContextTypes;
import io.vhost.bpf.context.FunctionCheck;
import io.vhost.bpf.context.FunctionCheck.Verdict;
import io.vhost.bpf.context.ProgramType;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ContextCheckTest {
    private static final int GLOBAL = BtfType.Function.GLOBAL;
    private static final ContextTypes TYPES = ContextTypes.shipped();
    private static final String NO_STRUCT = "BPF program ctx type is not a struct\n";

    /**
     * The algorithm of 2019 in its outcomes: which shapes match, and what is logged for those that do not.
     * Shapes that are missing here name another struct or are no pointer: refused in silence.
     */
    @ParameterizedTest
    @EnumSource(ProgramType.class)
    void seedJudgesAsIn2019(ProgramType type) {
        String context = type.programContext().name();
        boolean struct = type.programContext().kind() == ContextType.Kind.STRUCT;
        Set<String> ownShapes = Set.of("CONST struct own *", "VOLATILE struct own *", "RESTRICT struct own *",
                "TYPE_TAG struct own *", "TYPEDEF struct own *", "struct own * CONST",
                "struct own * VOLATILE",
                "struct own * RESTRICT", "struct own * TYPE_TAG", "struct own * TYPEDEF",
                "const volatile struct own *", "union own *");
        Set<String> noStruct = Set.of("void *", "const void *", "void_t *", "int *", "__u64 *",
                "struct own **",
                "enum e *", "struct own; *", "union own; *", "struct bpf_dynptr; *", "struct own (*)[2]",
                "int (*)(int)");
        Set<String> matching = new TreeSet<>();
        for (ArgumentShape shape : ArgumentShape.all()) {
            FunctionCheck check = check(shape, type, CheckMode.SEED, List.of());
            boolean named = !context.isEmpty() && shape.name().equals("struct " + context + " *");
            // The kernel's pointer has no name, and neither has an anonymous struct: in 2019 they were equal.
            boolean unnamed = context.isEmpty() && shape.name().equals("struct { } *");
            boolean expected = named || unnamed || (struct && ownShapes.contains(shape.name()));
            assertEquals(expected ? Verdict.PASS : Verdict.REJECT, check.verdict(), () -> type + " "
                    + shape.name());
            assertEquals(noStruct.contains(shape.name()) ? NO_STRUCT : "", check.log(), shape::name);
            if (expected) {
                matching.add(shape.name());
            }
        }
        assertEquals(struct ? ownShapes.size() + 1 : 1, matching.size(), matching::toString);
    }

    @Test
    void seedFollowsATypedefInTheProgramButNotInTheKernel() {
        assertEquals(Verdict.REJECT, check("struct pt_regs *", ProgramType.KPROBE, CheckMode.SEED).verdict());
        assertEquals(Verdict.REJECT, check("bpf_user_pt_regs_t *", ProgramType.KPROBE,
                CheckMode.SEED).verdict());
        assertEquals(Verdict.PASS,
                check("struct bpf_user_pt_regs_t *", ProgramType.KPROBE, CheckMode.SEED).verdict());
        assertEquals(Verdict.PASS, check("struct pt_regs *", ProgramType.KPROBE, CheckMode.STRICT).verdict());
        assertEquals(Verdict.PASS, check("bpf_user_pt_regs_t *", ProgramType.KPROBE,
                CheckMode.STRICT).verdict());
    }

    @ParameterizedTest
    @EnumSource(ProgramType.class)
    void theShippedTypesAndTheModesOrderThemselves(ProgramType type) {
        for (ArgumentShape shape : ArgumentShape.all()) {
            FunctionCheck kernel = check(shape, type, CheckMode.KERNEL, List.of());
            FunctionCheck strict = check(shape, type, CheckMode.STRICT, List.of());
            if (type != ProgramType.EXT) {
                assertFalse(kernel.verdict() == Verdict.REJECT, () -> "the kernel refuses no program: "
                        + shape);
            }
            if (kernel.verdict() == Verdict.PASS) {
                assertEquals(Verdict.PASS, strict.verdict(), shape::name);
            }
            assertFalse(strict.verdict() == Verdict.UNRELIABLE, shape::name);
            assertEquals(strict.verdict() == Verdict.REJECT, strict.errno().isPresent(), shape::name);
        }
    }

    @Test
    void strictTakesWhatIsCustomaryWhereTheKernelHasNoType() {
        Map<String, ProgramType> customary = Map.of("__u64 *", ProgramType.LSM, "void *", ProgramType.TRACING,
                "struct stranger *", ProgramType.TRACEPOINT, "int *", ProgramType.LIRC_MODE2,
                "struct pt_regs *", ProgramType.SYSCALL, "struct xdp_buff *", ProgramType.XDP);
        customary.forEach((shape, type) ->
                assertEquals(Verdict.PASS, check(shape, type, CheckMode.STRICT).verdict(), shape));
        assertEquals(Verdict.REJECT, check("void *", ProgramType.XDP, CheckMode.STRICT).verdict());
        assertEquals(Verdict.REJECT, check("__u64 *", ProgramType.XDP, CheckMode.STRICT).verdict());
    }

    @Test
    void strictTextsNameBothTypes() {
        FunctionCheck two = check(new ArgumentShape("struct xdp_md *", shape("struct xdp_md *").maker(), 4),
                ProgramType.XDP, CheckMode.STRICT, List.of());
        assertEquals("takes 2 arguments, XDP programs take one: `struct xdp_md *`\n; line @ file.c:1\n",
                two.log());
        assertEquals(Verdict.REJECT, two.verdict());
        assertEquals("arg#0 is `void *`, XDP programs take `struct xdp_md *`\n; line @ file.c:1\n",
                check("void *", ProgramType.XDP, CheckMode.STRICT).log());
        assertEquals("takes no argument, SCHED_CLS programs take `struct __sk_buff *`\n; line @ file.c:1\n",
                check("no argument", ProgramType.SCHED_CLS, CheckMode.STRICT).log());
        assertTrue(check("int", ProgramType.TRACING, CheckMode.STRICT).log()
                .startsWith("arg#0 is `int`, TRACING programs take `void *`\n"));
        FunctionCheck many = check(shape("struct xdp_md *").changed(2), ProgramType.XDP, CheckMode.STRICT,
                List.of());
        assertTrue(many.log().contains("6 > 5 args"), many::log);
    }

    /** Compilers leave a struct announced where the first pointer to it is a member. */
    @ParameterizedTest
    @EnumSource(ProgramType.class)
    void strictTakesAStructThatIsOnlyAnnounced(ProgramType type) {
        if (type.programContext().kind() != ContextType.Kind.STRUCT) {
            return;
        }
        assertEquals(Verdict.PASS, check("struct own; *", type, CheckMode.STRICT).verdict());
        assertEquals(Verdict.UNRELIABLE, check("struct own; *", type, CheckMode.KERNEL).verdict());
        assertEquals(Verdict.REJECT, check("union own; *", type, CheckMode.STRICT).verdict());
        assertEquals(Verdict.REJECT, check("struct bpf_dynptr; *", type, CheckMode.STRICT).verdict());
        assertEquals(Verdict.REJECT, called("struct own; *", type, CheckMode.STRICT).verdict());
    }

    @Test
    void iteratorsMayAnnounceTheirContextAndNothingElse() {
        Map<String, Verdict> verdicts = Map.of("bpf_iter__task", Verdict.PASS, "task_struct", Verdict.REJECT);
        verdicts.forEach((name, expected) -> {
            ArgumentShape announced = new ArgumentShape(name, (builder, integer, own) ->
                    builder.pointer(builder.add(new BtfType.Forward(name, false))));
            ArgumentShape.Built built = announced.build(List.of(), GLOBAL, true,
                    ProgramType.TRACING.programContext());
            ContextCheck check = new ContextCheck(built.btf(), TYPES, CheckMode.STRICT);
            FunctionCheck iterator = check.program(built.main(),
                    ContextCheck.Target.of(ProgramType.TRACING, AttachType.TRACE_ITER), "");
            assertEquals(expected, iterator.verdict(), iterator::log);
            assertEquals(expected == Verdict.PASS ? "" : "arg#0 is `struct task_struct *`, TRACING programs"
                    + " take `struct bpf_iter__NAME *` in a section iter/NAME\n", iterator.log());
            assertEquals(Verdict.REJECT, check.program(built.main(),
                    ContextCheck.Target.of(ProgramType.TRACING, AttachType.TRACE_FENTRY), "").verdict());
        });
    }

    @Test
    void whereAnyNameWillDoTheMissingNameIsTheRemedy() {
        for (ProgramType type : List.of(ProgramType.TRACEPOINT, ProgramType.SYSCALL)) {
            FunctionCheck unnamed = check("struct { } *", type, CheckMode.STRICT);
            assertEquals(Verdict.REJECT, unnamed.verdict());
            assertTrue(unnamed.log().contains(type + " programs take any struct that has a name"),
                    unnamed::log);
        }
        assertFalse(check("struct { } *", ProgramType.XDP, CheckMode.STRICT).log().contains("any struct"));
    }

    @Test
    void strictRefusesAFunctionThatTakesAnotherProgramsContext() {
        for (int linkage : new int[] {GLOBAL, BtfType.Function.STATIC}) {
            FunctionCheck check = called("struct __sk_buff *", ProgramType.XDP, CheckMode.STRICT, linkage);
            assertEquals(Verdict.REJECT, check.verdict());
            assertEquals("""
                    arg#0 is `struct __sk_buff *`, XDP programs take `struct xdp_md *`
                    ; line @ file.c:2
                    """, check.log());
            assertFalse(called("struct __sk_buff *", ProgramType.XDP, CheckMode.KERNEL, linkage).verdict()
                    == Verdict.REJECT);
        }
        ArgumentShape announced = new ArgumentShape("struct __sk_buff; *", (builder, integer, own) ->
                builder.pointer(builder.add(new BtfType.Forward("__sk_buff", false))));
        assertEquals(Verdict.REJECT, called(announced, List.of(), BtfType.Function.STATIC).verdict());
        assertEquals(Verdict.PASS, called(shape("struct __sk_buff *"), List.of("nonnull"), GLOBAL).verdict());
        ArgumentShape.Built built = shape("struct __sk_buff *").build(List.of(), GLOBAL, true,
                ProgramType.XDP.programContext());
        ContextCheck.Target extension = new ContextCheck.Target(ProgramType.EXT, Optional.empty(),
                Optional.of(ProgramType.XDP));
        assertEquals(Verdict.REJECT, new ContextCheck(built.btf(), TYPES, CheckMode.STRICT)
                .program(built.main(), extension, "").verdict());
        Map<String, ProgramType> right = Map.of("struct __sk_buff *", ProgramType.SOCKET_FILTER,
                "struct sk_buff *", ProgramType.SCHED_CLS, "struct bpf_sock *", ProgramType.SCHED_CLS,
                "struct xdp_md *", ProgramType.TRACING, "struct stranger *", ProgramType.XDP,
                "struct pt_regs *", ProgramType.XDP);
        right.forEach((shape, type) ->
                assertEquals(Verdict.PASS, called(shape, type, CheckMode.STRICT).verdict(), shape));
    }

    /** Program types that some kernels let nobody load, so that the kernel cannot be asked. */
    @Test
    void taggedArgumentsOfTracingAndSecurityProgramsAreWords() {
        Set<String> right = Set.of("void *", "const void *", "void_t *", "__u64 *", "no argument");
        Set<String> unnamed = Set.of("struct { } *", "struct own **", "struct own (*)[2]", "int (*)(int)");
        Set<String> scalar = Set.of("int", "enum e", "float", "struct own");
        List<ContextCheck.Target> targets = new ArrayList<>(List.of(
                ContextCheck.Target.of(ProgramType.LSM, AttachType.LSM_MAC)));
        for (AttachType type : List.of(AttachType.TRACE_FENTRY, AttachType.TRACE_FEXIT,
                AttachType.MODIFY_RETURN, AttachType.TRACE_FSESSION)) {
            targets.add(ContextCheck.Target.of(ProgramType.TRACING, type));
        }
        for (ContextCheck.Target target : targets) {
            for (ArgumentShape shape : ArgumentShape.all()) {
                String name = shape.name();
                String expected = right.contains(name) ? ""
                        : unnamed.contains(name) ? "arg#0 type doesn't have a name\n"
                        : scalar.contains(name) ? "arg#0 has pointer tag, but is not a pointer type\n"
                        : "arg#0 should be void pointer\n";
                ArgumentShape.Built built = shape.build(List.of("ctx"), GLOBAL, false,
                        target.type().programContext());
                FunctionCheck check = new ContextCheck(built.btf(), TYPES, CheckMode.KERNEL)
                        .function(built.called(), target);
                assertEquals(expected, check.log(), () -> target + " " + name);
                assertEquals(expected.isEmpty() ? Verdict.PASS : Verdict.REJECT, check.verdict(), name);
                ArgumentShape.Built main = shape.build(List.of(), GLOBAL, true,
                        target.type().programContext());
                assertEquals(Verdict.UNRELIABLE, new ContextCheck(main.btf(), TYPES, CheckMode.KERNEL)
                        .program(main.main(), target, "").verdict(), name);
            }
        }
    }

    @Test
    void seedRefusesNoFunctionThatIsCalled() {
        assertEquals(Verdict.PASS, called("int", ProgramType.XDP, CheckMode.SEED).verdict());
        assertEquals(Verdict.PASS, called("no argument", ProgramType.XDP, CheckMode.SEED).verdict());
        assertEquals(Verdict.PASS, called("struct xdp_md *", ProgramType.XDP, CheckMode.SEED).verdict());
        FunctionCheck other = called("int *", ProgramType.XDP, CheckMode.SEED);
        assertEquals(Verdict.UNRELIABLE, other.verdict());
        assertEquals(NO_STRUCT, other.log());
        assertEquals(Optional.empty(), other.errno());
    }

    @ParameterizedTest
    @EnumSource(CheckMode.class)
    void anExtensionIsCheckedAsAPartOfTheProgramThatItExtends(CheckMode mode) {
        ContextCheck.Target extension = new ContextCheck.Target(ProgramType.EXT, Optional.empty(),
                Optional.of(ProgramType.XDP));
        for (ArgumentShape shape : ArgumentShape.all()) {
            for (List<String> tags : List.of(List.<String>of(), List.of("ctx"))) {
                ArgumentShape.Built built = shape.build(tags, GLOBAL, false,
                        ProgramType.XDP.programContext());
                ContextCheck check = new ContextCheck(built.btf(), TYPES, mode);
                assertEquals(check.function(built.called(), ContextCheck.Target.of(ProgramType.XDP)),
                        check.function(built.called(), extension), shape::name);
            }
        }
    }

    @Test
    void aFunctionWithoutTypeIsRefused() {
        ArgumentShape.Built built = shape("int").build(List.of(), GLOBAL, true,
                ProgramType.XDP.programContext());
        ContextCheck check = new ContextCheck(built.btf(), TYPES, CheckMode.KERNEL);
        assertEquals("Global functions need valid BTF\n",
                check.program(0, ContextCheck.Target.of(ProgramType.XDP), "").log());
        assertEquals(Verdict.REJECT, check.function(1, ContextCheck.Target.of(ProgramType.XDP)).verdict());
    }

    private static FunctionCheck check(String shape, ProgramType type, CheckMode mode) {
        return check(shape(shape), type, mode, List.of());
    }

    private static FunctionCheck called(ArgumentShape shape, List<String> tags, int linkage) {
        ArgumentShape.Built built = shape.build(tags, linkage, false, ProgramType.XDP.programContext());
        return new ContextCheck(built.btf(), TYPES, CheckMode.STRICT).function(built.called(),
                ContextCheck.Target.of(ProgramType.XDP));
    }

    private static FunctionCheck called(String shape, ProgramType type, CheckMode mode) {
        return called(shape, type, mode, GLOBAL);
    }

    private static FunctionCheck called(String shape, ProgramType type, CheckMode mode, int linkage) {
        ArgumentShape.Built built = shape(shape).build(List.of(), linkage, false, type.programContext());
        return new ContextCheck(built.btf(), TYPES, mode).function(built.called(),
                ContextCheck.Target.of(type), "line @ file.c:2");
    }

    private static FunctionCheck check(ArgumentShape shape, ProgramType type, CheckMode mode,
            List<String> tags) {
        ArgumentShape.Built built = shape.build(tags, GLOBAL, true, type.programContext());
        AttachType attachType = type == ProgramType.TRACING ? AttachType.TRACE_FENTRY : null;
        return new ContextCheck(built.btf(), TYPES, mode).program(built.main(),
                new ContextCheck.Target(type, Optional.ofNullable(attachType), Optional.empty()),
                "line @ file.c:1");
    }

    private static ArgumentShape shape(String name) {
        return ArgumentShape.all().stream().filter(shape ->
                shape.name().equals(name)).findFirst().orElseThrow();
    }
}
