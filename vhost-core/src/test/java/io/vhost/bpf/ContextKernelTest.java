package io.vhost.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.bpf.ProgramLoad.Passed;
import io.vhost.bpf.btf.BtfType;
import io.vhost.bpf.context.Argument;
import io.vhost.bpf.context.CheckMode;
import io.vhost.bpf.context.ContextCheck;
import io.vhost.bpf.context.ContextTypes;
import io.vhost.bpf.context.FunctionCheck;
import io.vhost.bpf.context.ProgramType;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** KERNEL mode against BPF_PROG_LOAD: verdict, error number and every line about an argument. */
@Tag("peer")
class ContextKernelTest {
    private static final int EPERM = 1;
    private static final int GLOBAL = BtfType.Function.GLOBAL;

    private final List<String> differences = new ArrayList<>();
    private final Set<String> texts = new TreeSet<>();
    private Kernel kernel;
    private ContextTypes types;

    @BeforeEach
    void open() throws Exception {
        kernel = Kernel.open();
        types = ContextTypes.host();
    }

    @AfterEach
    void close() {
        kernel.close();
    }

    @Test
    void everyTypeJudgesEveryShapeAsTheKernelDoes() throws Exception {
        List<Place> places = new ArrayList<>(Place.all(types.btf(), types));
        places.removeIf(this::isForbidden);
        for (Place place : places) {
            for (ArgumentShape shape : ArgumentShape.all()) {
                for (List<String> tags : List.of(List.<String>of(), List.of("ctx"))) {
                    main(place, shape, tags);
                    called(place, shape, tags, GLOBAL, 0);
                }
                for (List<String> tags : List.of(List.of("nonnull"), List.of("ctx", "nonnull"))) {
                    called(place, shape, tags, GLOBAL, 0);
                }
            }
        }
        assertEquals(List.of(), differences);
        assertEquals(Set.of("arg#0 has invalid combination of tags",
                "arg#0 has pointer tag, but is not a pointer type",
                "arg#0 type doesn't have a name",
                "arg#0 should be void pointer", "arg#0 should be `..`", "arg#0 reference type(..",
                "Arg#0 type FLOAT in main() is not supported yet.",
                "Arg#0 type FLOAT in called() is not supported yet.",
                "Arg#0 type STRUCT in main() is not supported yet.",
                "Arg#0 type STRUCT in called() is not supported yet."), texts);
    }

    @Test
    void combinationsOfTagsAreJudgedAsTheKernelDoes() throws Exception {
        Place xdp = new Place(ProgramType.XDP, Optional.empty(), 0, 0);
        List<String> all = List.of("ctx", "trusted", "untrusted", "nonnull", "nullable", "arena", "other");
        Set<String> shapes = Set.of("struct xdp_md *", "struct stranger *", "struct task_struct *", "int *",
                "int",
                "void *", "struct bpf_dynptr *", "enum e");
        List<ArgumentShape> tagged = new ArrayList<>(ArgumentShape.all());
        tagged.add(new ArgumentShape("struct task_struct *", (b, integer, own) -> b.pointer(
                b.struct("task_struct", 4, new BtfType.Member("m", integer, 0, 0)))));
        for (ArgumentShape shape : tagged) {
            if (shapes.contains(shape.name())) {
                for (int first = 0; first < all.size(); first++) {
                    for (int second = first; second < all.size(); second++) {
                        List<String> tags = List.of(all.get(first), all.get(second));
                        main(xdp, shape, tags);
                        called(xdp, shape, tags, GLOBAL, 0);
                    }
                }
            }
        }
        assertEquals(List.of(), differences);
        assertTrue(texts.containsAll(List.of("arg#0 has unsupported set of tags",
                "arg#0 has invalid combination of tags",
                "arg#0 untrusted cannot be combined with any other tags",
                "arg#0 arena cannot be combined with any other tags")), texts::toString);
    }

    @Test
    void staticFunctionsAreNotRefused() throws Exception {
        Place xdp = new Place(ProgramType.XDP, Optional.empty(), 0, 0);
        for (ArgumentShape shape : ArgumentShape.all()) {
            called(xdp, shape, List.of(), BtfType.Function.STATIC, 0);
            called(xdp, shape, List.of("ctx"), BtfType.Function.STATIC, 0);
        }
        assertEquals(List.of(), differences);
        assertEquals(Set.of("arg#0 type tag is not supported in static functions"), texts);
    }

    @Test
    void prototypesOfGlobalFunctionsAreJudgedAsTheKernelDoes() throws Exception {
        Place xdp = new Place(ProgramType.XDP, Optional.empty(), 0, 0);
        ArgumentShape context = own();
        main(xdp, context.changed(4), List.of());
        for (int change = 1; change <= 3; change++) {
            main(xdp, context.changed(change), List.of());
            called(xdp, context.changed(change), List.of(), GLOBAL, 0);
            called(xdp, context.changed(change), List.of(), BtfType.Function.STATIC, 0);
        }
        assertEquals(List.of(), differences);
        assertTrue(texts.containsAll(List.of(
                "Global function called() doesn't return scalar. Only those are supported.",
                "Global function called() with 6 > 5 args. Buggy compiler.")), texts::toString);
    }

    @Test
    void extensionsTakeTheContextOfTheProgramThatTheyExtend() throws Exception {
        ArgumentShape own = own();
        ArgumentShape.Built extended = own.build(List.of(), GLOBAL, true, ProgramType.XDP.programContext());
        int target = load(extended, new ProgramLoad(ProgramType.XDP, 0, 0, 0, extended.main(), 0,
                Passed.CONTEXT))
                .result();
        if (refusesExtensions(extended, target)) {
            return;
        }
        Place place = new Place(ProgramType.EXT, Optional.empty(), 0, extended.main());
        for (ArgumentShape shape : ArgumentShape.all()) {
            called(place, shape, List.of(), GLOBAL, target);
            called(place, shape, List.of("ctx"), GLOBAL, target);
        }
        Kernel.close(target);
        assertEquals(List.of(), differences);
    }

    @Test
    void aProgramThatIsCalledUnreliableCannotBeReplaced() throws Exception {
        Place xdp = new Place(ProgramType.XDP, Optional.empty(), 0, 0);
        for (ArgumentShape shape : ArgumentShape.all()) {
            ArgumentShape.Built built = shape.build(List.of(), GLOBAL, true,
                    ProgramType.XDP.programContext());
            int target = load(built, new ProgramLoad(ProgramType.XDP, 0, 0, 0, built.main(), 0,
                    Passed.CONTEXT))
                    .result();
            if (refusesExtensions(built, target)) {
                return;
            }
            Kernel.Answer answer = load(built, new ProgramLoad(ProgramType.EXT, 0, built.main(), target,
                    built.main(), 0, Passed.CONTEXT));
            Kernel.close(target);
            boolean unreliable = check(built, CheckMode.KERNEL).program(built.main(), xdp.target(),
                    "").verdict()
                    == FunctionCheck.Verdict.UNRELIABLE;
            assertEquals(unreliable, answer.log().contains("Cannot replace static functions"),
                    () -> shape.name() + ": " + answer.log());
            if (answer.result() >= 0) {
                Kernel.close(answer.result());
            }
        }
    }

    /**
     * Some kernels let nobody load what needs a trampoline, whatever it is: then there is nothing to compare
     * with.
     */
    private boolean isForbidden(Place place) {
        ArgumentShape.Built built = own().build(List.of(), GLOBAL, true, place.type().programContext());
        return isForbidden(place.type(), load(built, new ProgramLoad(place.type(), place.expected(),
                place.btfId(), 0,
                built.main(), 0, Passed.CONTEXT)));
    }

    private static boolean isForbidden(ProgramType type, Kernel.Answer answer) {
        if (answer.result() >= 0) {
            Kernel.close(answer.result());
        }
        if (answer.errno() == EPERM) {
            System.out.println("Not compared: this kernel lets nobody load " + type + " programs (EPERM)");
        }
        return answer.errno() == EPERM;
    }

    private boolean refusesExtensions(ArgumentShape.Built built, int target) {
        boolean refused = isForbidden(ProgramType.EXT, load(built, new ProgramLoad(ProgramType.EXT, 0,
                built.main(),
                target, built.main(), 0, Passed.CONTEXT)));
        if (refused) {
            Kernel.close(target);
        }
        return refused;
    }

    private static ArgumentShape own() {
        return new ArgumentShape("own", (builder, integer, own) ->
                builder.pointer(builder.struct(own, 4, new BtfType.Member("m", integer, 0, 0))));
    }

    private ContextCheck check(ArgumentShape.Built built, CheckMode mode) {
        return new ContextCheck(built.btf(), types, mode);
    }

    private void main(Place place, ArgumentShape shape, List<String> tags) throws Exception {
        ArgumentShape.Built built = shape.build(tags, GLOBAL, true, place.type().programContext());
        FunctionCheck ours = check(built, CheckMode.KERNEL).program(built.main(), place.target(), "");
        Kernel.Answer answer = load(built, new ProgramLoad(place.type(), place.expected(), place.btfId(), 0,
                built.main(), 0, Passed.CONTEXT));
        compare(place + " " + shape.name() + " " + tags + " main", ours, 0, List.of(), answer);
    }

    private void called(Place place, ArgumentShape shape, List<String> tags, int linkage, int extended)
            throws Exception {
        ProgramType contextOf = extended == 0 ? place.type() : ProgramType.XDP;
        ArgumentShape.Built built = shape.build(tags, linkage, false, contextOf.programContext());
        ContextCheck.Target target = extended == 0 ? place.target()
                : new ContextCheck.Target(place.type(), Optional.empty(), Optional.of(contextOf));
        FunctionCheck ours = check(built, CheckMode.KERNEL).function(built.called(), target);
        for (Passed passed : Passed.values()) {
            List<String> caller = new ArrayList<>();
            int errno = ours.errno().map(error -> error.number()).orElse(0);
            if (ours.verdict() == FunctionCheck.Verdict.PASS && !ours.arguments().isEmpty()) {
                String refusal = passed != Passed.CONTEXT || linkage != GLOBAL
                        ? refusal(ours.arguments().getFirst(), passed)
                        : contextRefusal(built, ours, target);
                if (refusal == null) {
                    continue;
                }
                errno = refusal.isEmpty() || linkage != GLOBAL ? 0 : 22;
                caller.addAll(refusal.lines().toList());
            }
            if (errno != 0) {
                caller.add("Caller passes invalid args into func#1 ('called')");
            }
            Kernel.Answer answer = load(built, new ProgramLoad(place.type(), place.expected(), place.btfId(),
                    extended,
                    built.main(), built.called(), passed));
            compare(place + " " + shape.name() + " " + tags + " called with " + passed, ours, errno, caller,
                    answer);
            if (ours.verdict() != FunctionCheck.Verdict.PASS) {
                return;
            }
        }
    }

    /** What the kernel says to a caller that passes the wrong thing; null where that depends on too much. */
    private static String refusal(Argument argument, Passed passed) {
        return switch (argument.kind()) {
            case CONTEXT -> passed == Passed.CONTEXT ? "" : "arg#0 expects pointer to ctx";
            case SCALAR -> passed == Passed.NUMBER ? "" : "R1 is not a scalar";
            case MEMORY -> passed == Passed.STACK ? "" : passed == Passed.NUMBER && argument.nullable()
                    ? "" : null;
            default -> null;
        };
    }

    /** The same for the context, of which the check itself tells. */
    private String contextRefusal(ArgumentShape.Built built, FunctionCheck ours, ContextCheck.Target target) {
        Argument argument = ours.arguments().getFirst();
        if (check(built, CheckMode.KERNEL).contextPassed(built.called(), ours, 0, target).isEmpty()) {
            return argument.kind() == Argument.Kind.CONTEXT ? "" : null;
        }
        return argument.kind() == Argument.Kind.SCALAR ? "R1 is not a scalar" : "R1 type=ctx expected=fp";
    }

    private Kernel.Answer load(ArgumentShape.Built built, ProgramLoad program) {
        Kernel.Answer blob = kernel.loadBtfKeeping(built.btf().toBytes());
        assertTrue(blob.result() >= 0, blob::log);
        Kernel.Answer answer = kernel.loadProgram(program, blob.result());
        Kernel.close(blob.result());
        return answer;
    }

    private void compare(String what, FunctionCheck ours, int errno, List<String> caller,
            Kernel.Answer answer) {
        List<String> lines = new ArrayList<>(ours.log().lines().toList());
        lines.forEach(line -> texts.add(line.replaceAll("`.*`", "`..`").replaceAll("type\\(.*", "type(..")));
        lines.addAll(caller);
        String expected = errno + " " + lines;
        String actual = answer.errno() + " "
                + answer.log().lines().filter(ContextKernelTest::isAboutTypes).toList();
        if (!expected.equals(actual)) {
            differences.add("\n" + what + "\n  ours   " + expected + "\n  kernel " + actual + "\n"
                    + answer.log().indent(8));
        }
        if (answer.result() >= 0) {
            Kernel.close(answer.result());
        }
    }

    private static boolean isAboutTypes(String line) {
        return line.startsWith("arg#") || line.startsWith("Arg#") || line.startsWith("Global function ")
                || line.startsWith("Caller passes") || line.equals("R1 is not a scalar")
                || line.startsWith("R1 type=ctx")
                || line.startsWith("btf_vmlinux") || line.startsWith("Please fix");
    }
}
