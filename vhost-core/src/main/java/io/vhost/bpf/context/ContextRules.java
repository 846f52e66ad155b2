package io.vhost.bpf.context;

import io.vhost.bpf.btf.Btf;
import io.vhost.bpf.btf.BtfKind;
import io.vhost.bpf.btf.BtfType;
import java.util.Optional;

/**
 * Whether a pointer points to the context of a program type: the rule of 2019, the rule of Linux 6.18 for
 * untagged arguments, and its rule for arguments tagged {@code arg:ctx}.
 *
 * <p>Each rule compares names only: an empty {@code struct __sk_buff} is as good as the whole.
 */
final class ContextRules {
    /** What the names of iterators' contexts begin with. */
    static final String ITERATOR = "bpf_iter__";

    private static final String USER_REGISTERS = "bpf_user_pt_regs_t";
    private static final String RAW_ARGUMENTS = "bpf_raw_tracepoint_args";

    private final Btf program;
    private final ContextTypes types;

    ContextRules(Btf program, ContextTypes types) {
        this.program = program;
        this.types = types;
    }

    /** The rule of 2019. A text is logged for some refusals, none for a wrong name. */
    boolean seed(StringBuilder log, int pointer, ProgramType type) {
        Optional<ContextTypes.Pair> pair = types.pair(type);
        if (pair.isEmpty()) {
            log.append("btf_vmlinux is malformed\n");
            return false;
        }
        int target = program.strip(program.referred(pointer));
        if (!program.kind(target).isComposite()) {
            log.append("BPF program ctx type is not a struct\n");
            return false;
        }
        return program.name(target).equals(types.btf().name(pair.get().program()));
    }

    /** The rule of Linux 6.18 for an argument without tag. */
    boolean untagged(StringBuilder log, int pointer, ProgramType type) {
        int target = program.referred(pointer);
        if (type == ProgramType.KPROBE) {
            target = stripToTypedef(target);
            if (isNamed(target, BtfKind.TYPEDEF, USER_REGISTERS)) {
                return true;
            }
        }
        target = program.strip(target);
        if (!program.kind(target).isComposite()) {
            return false;
        }
        if (types.pair(type).isEmpty()) {
            log.append("btf_vmlinux is malformed\n");
            return false;
        }
        return isNameOfContext(program.name(target), type);
    }

    /** Whether a struct of this name is the context of programs of this type, or a view of it. */
    boolean isNameOfContext(String name, ProgramType type) {
        Btf kernel = types.btf();
        int canonical = types.pair(type).map(ContextTypes.Pair::program).orElse(0);
        String expected = kernel.name(canonical);
        if (expected.isEmpty()) {
            return false;
        }
        if (isProjection(expected, name) || expected.equals(name)) {
            return true;
        }
        int resolved = kernel.strip(canonical);
        String behind = resolved == canonical ? "" : kernel.name(resolved);
        return !behind.isEmpty() && (isProjection(behind, name) || behind.equals(name));
    }

    /** The rule of Linux 6.18 for an argument tagged {@code arg:ctx}; a refusal is logged. */
    boolean tagged(StringBuilder log, int pointer, int index, ProgramType type,
            Optional<AttachType> attachType) {
        int target = program.referred(pointer);
        if (type == ProgramType.KPROBE || type == ProgramType.PERF_EVENT) {
            target = stripToTypedef(target);
            if (isNamed(target, BtfKind.TYPEDEF, USER_REGISTERS)) {
                return true;
            }
        }
        target = program.strip(target);
        if (target == 0) {
            return true;
        }
        String name = program.name(target);
        if (name.isEmpty()) {
            log.append("arg#").append(index).append(" type doesn't have a name\n");
            return false;
        }
        if (special(target, name, type, attachType)) {
            return true;
        }
        Optional<ContextTypes.Pair> pair = types.pair(type);
        if (pair.isEmpty()) {
            log.append("btf_vmlinux is malformed\n");
            return false;
        }
        Btf kernel = types.btf();
        int canonical = kernel.strip(pair.get().program());
        if (kernel.kind(canonical) != BtfKind.STRUCT) {
            log.append("arg#").append(index).append(" should be void pointer\n");
            return false;
        }
        String expected = kernel.name(canonical);
        if (!isNamed(target, BtfKind.STRUCT, expected)) {
            log.append("arg#").append(index).append(" should be `struct ").append(expected).append(" *`\n");
            return false;
        }
        return true;
    }

    private boolean special(int target, String name, ProgramType type, Optional<AttachType> attachType) {
        return switch (type) {
            case KPROBE -> isNamed(target, BtfKind.STRUCT, "pt_regs");
            case PERF_EVENT -> isNamed(target, BtfKind.STRUCT, userRegisters());
            case RAW_TRACEPOINT, RAW_TRACEPOINT_WRITABLE, LSM, STRUCT_OPS -> isWord(target);
            case TRACING -> attachType.isPresent() && switch (attachType.get()) {
                case TRACE_RAW_TP -> isNamed(target, BtfKind.STRUCT, RAW_ARGUMENTS) || isWord(target);
                case TRACE_ITER -> program.kind(target) == BtfKind.STRUCT && name.startsWith(ITERATOR);
                case TRACE_FENTRY, TRACE_FEXIT, MODIFY_RETURN, TRACE_FSESSION -> isWord(target);
                default -> false;
            };
            case TRACEPOINT, SYSCALL, EXT -> true;
            default -> false;
        };
    }

    /** The name of the struct that holds user registers on the kernel's architecture: pt_regs on x86. */
    private String userRegisters() {
        int typedef = types.btf().find(BtfKind.TYPEDEF, USER_REGISTERS);
        return typedef == Btf.NOT_FOUND ? "pt_regs" : types.btf().name(types.btf().strip(typedef));
    }

    private boolean isWord(int target) {
        return program.type(target) instanceof BtfType.Int integer && integer.size() == 8;
    }

    private boolean isNamed(int id, BtfKind kind, String name) {
        return program.kind(id) == kind && program.name(id).equals(name);
    }

    private int stripToTypedef(int id) {
        int at = id;
        while (program.kind(at).isModifier() && program.kind(at) != BtfKind.TYPEDEF) {
            at = program.referred(at);
        }
        return at;
    }

    // A program may name the kernel's struct where the two are views of one object.
    private static boolean isProjection(String expected, String name) {
        return (expected.equals("__sk_buff") && name.equals("sk_buff"))
                || (expected.equals("xdp_md") && name.equals("xdp_buff"));
    }
}
