package io.vhost.bpf.context;

import io.vhost.bpf.btf.Btf;
import io.vhost.bpf.btf.BtfKind;
import io.vhost.bpf.btf.BtfType;
import io.vhost.bpf.btf.Errno;
import io.vhost.bpf.btf.TypeSize;
import io.vhost.bpf.context.ArgumentTags.ArgumentTag;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What Linux 6.18 makes of a function's prototype: what each argument stands for, or why the function cannot
 * be checked. One object checks one function.
 */
final class ArgumentRules {
    /** Arguments that the kernel hands to a function at most. */
    static final int MAX_ARGUMENTS = 5;
    private static final String COMBINATION = " has invalid combination of tags";

    private final Btf btf;
    private final ArgumentTags tags;
    private final ContextRules contexts;
    private final ContextTypes types;
    private final ProgramType programType;
    private final Optional<AttachType> attachType;
    private final StringBuilder log;
    private final List<Argument> arguments = new ArrayList<>();

    ArgumentRules(Btf btf, ArgumentTags tags, ContextTypes types, ProgramType programType,
            Optional<AttachType> attachType, StringBuilder log) {
        this.btf = btf;
        this.tags = tags;
        this.types = types;
        this.contexts = new ContextRules(btf, types);
        this.programType = programType;
        this.attachType = attachType;
        this.log = log;
    }

    List<Argument> arguments() {
        return List.copyOf(arguments);
    }

    /**
     * The error with which the function is refused, if it is; {@link #arguments} then ends where that
     * happened.
     */
    Optional<Errno> check(int functionId) {
        BtfType.Function function = (BtfType.Function) btf.type(functionId);
        if (!(btf.type(function.prototype()) instanceof BtfType.Prototype prototype)) {
            return fail(Errno.EFAULT, "Invalid type of function " + function.name() + "()");
        }
        boolean global = function.linkage() == BtfType.Function.GLOBAL;
        List<BtfType.Parameter> parameters = prototype.parameters();
        if (parameters.size() > MAX_ARGUMENTS) {
            return fail(global, "Global function " + function.name() + "() with " + parameters.size() + " > "
                    + MAX_ARGUMENTS + " args. Buggy compiler.");
        }
        BtfKind returned = btf.kind(btf.strip(prototype.returned()));
        if (returned != BtfKind.INT && !returned.isEnum()) {
            return fail(global, "Global function " + function.name()
                    + "() doesn't return scalar. Only those are supported.");
        }
        for (int i = 0; i < parameters.size(); i++) {
            Optional<Errno> error = argument(functionId, function, i, parameters.get(i), global);
            if (error.isPresent()) {
                return error;
            }
        }
        return Optional.empty();
    }

    private Optional<Errno> argument(int functionId, BtfType.Function function, int index,
            BtfType.Parameter parameter, boolean global) {
        String prefix = "arg#" + index;
        if (!global && tags.any(functionId, index)) {
            return fail(Errno.EOPNOTSUPP, prefix + " type tag is not supported in static functions");
        }
        Set<ArgumentTag> tagged = tags.of(functionId, index);
        if (tagged == null) {
            return fail(Errno.EOPNOTSUPP, prefix + " has unsupported set of tags");
        }
        int type = btf.strip(parameter.type());
        if (btf.kind(type) == BtfKind.PTR) {
            Optional<Errno> error = special(index, parameter.name(), type, tagged);
            if (error != null) {
                return error;
            }
            if (global) {
                return memory(index, parameter.name(), type, tagged);
            }
        }
        if (!tagged.isEmpty()) {
            return fail(Errno.EINVAL, prefix + " has pointer tag, but is not a pointer type");
        }
        if (btf.kind(type) == BtfKind.INT || btf.kind(type).isEnum()) {
            return accept(Argument.of(parameter.name(), Argument.Kind.SCALAR));
        }
        return fail(global, "Arg#" + index + " type " + btf.kind(type) + " in " + function.name()
                + "() is not supported yet.");
    }

    /** Pointers that are not plain memory. Null if this is none of them. */
    private Optional<Errno> special(int index, String name, int pointer, Set<ArgumentTag> tagged) {
        String prefix = "arg#" + index;
        boolean context = tagged.contains(ArgumentTag.CTX);
        if (context || contexts.untagged(log, pointer, programType)) {
            if (has(tagged, EnumSet.complementOf(EnumSet.of(ArgumentTag.CTX)))) {
                return fail(Errno.EINVAL, prefix + COMBINATION);
            }
            if (context && !contexts.tagged(log, pointer, index, programType, attachType)) {
                return failed();
            }
            return accept(Argument.of(name, Argument.Kind.CONTEXT));
        }
        if (isDynptr(pointer)) {
            return tagged.isEmpty() ? accept(Argument.of(name, Argument.Kind.DYNPTR))
                    : fail(Errno.EINVAL, prefix + COMBINATION);
        }
        if (tagged.contains(ArgumentTag.TRUSTED)) {
            return tagged.contains(ArgumentTag.NONNULL) ? fail(Errno.EINVAL, prefix + COMBINATION)
                    : kernelObject(index, name, pointer, tagged.contains(ArgumentTag.NULLABLE));
        }
        if (tagged.contains(ArgumentTag.UNTRUSTED)) {
            if (tagged.size() > 1) {
                return fail(Errno.EINVAL, prefix + " untrusted cannot be combined with any other tags");
            }
            return isPrimitive(btf.strip(btf.referred(pointer)))
                    ? accept(Argument.of(name, Argument.Kind.UNTRUSTED))
                    : kernelObject(index, name, pointer, false);
        }
        if (tagged.contains(ArgumentTag.ARENA)) {
            return tagged.size() > 1
                    ? fail(Errno.EINVAL, prefix + " arena cannot be combined with any other tags")
                    : accept(Argument.of(name, Argument.Kind.ARENA));
        }
        return null;
    }

    private Optional<Errno> memory(int index, String name, int pointer, Set<ArgumentTag> tagged) {
        if (tagged.contains(ArgumentTag.NULLABLE)) {
            return fail(Errno.EINVAL, "arg#" + index + COMBINATION);
        }
        int target = btf.strip(btf.referred(pointer));
        long size = TypeSize.of(btf, target);
        if (size < 0) {
            return fail(Errno.EINVAL, "arg#" + index + reference(target)
                    + " size cannot be determined: " + -Errno.EINVAL.number());
        }
        return accept(new Argument(name, Argument.Kind.MEMORY, size, !tagged.contains(ArgumentTag.NONNULL)));
    }

    private Optional<Errno> kernelObject(int index, String name, int pointer, boolean nullable) {
        int target = btf.strip(btf.referred(pointer));
        if (btf.name(target).isEmpty()) {
            return fail(Errno.EINVAL, "arg#" + index + " reference type('" + btf.kind(target)
                    + " (anon)') candidate matching error: " + -Errno.EINVAL.number());
        }
        if (types.btf().find(btf.kind(target), btf.name(target)) == Btf.NOT_FOUND) {
            return fail(Errno.ENOENT, "arg#" + index + reference(target) + " has no matches");
        }
        return accept(new Argument(name, Argument.Kind.KERNEL_OBJECT, 0, nullable));
    }

    private String reference(int target) {
        return " reference type('" + btf.kind(target) + " " + btf.name(target) + "')";
    }

    private boolean isDynptr(int pointer) {
        int target = btf.strip(btf.referred(pointer));
        boolean struct = btf.kind(target).isComposite()
                || (btf.type(target) instanceof BtfType.Forward forward && !forward.union());
        return struct && btf.name(target).equals("bpf_dynptr");
    }

    private boolean isPrimitive(int target) {
        return target == 0 || btf.kind(target) == BtfKind.INT || btf.kind(target).isEnum();
    }

    private static boolean has(Set<ArgumentTag> tagged, Set<ArgumentTag> any) {
        return tagged.stream().anyMatch(any::contains);
    }

    private Optional<Errno> accept(Argument argument) {
        arguments.add(argument);
        return Optional.empty();
    }

    private Optional<Errno> failed() {
        arguments.add(Argument.of("", Argument.Kind.UNKNOWN));
        return Optional.of(Errno.EINVAL);
    }

    /** Static functions are refused without a word: the kernel then goes by what callers pass. */
    private Optional<Errno> fail(boolean logged, String text) {
        if (logged) {
            log.append(text).append('\n');
        }
        return failed();
    }

    private Optional<Errno> fail(Errno errno, String text) {
        log.append(text).append('\n');
        arguments.add(Argument.of("", Argument.Kind.UNKNOWN));
        return Optional.of(errno);
    }
}
