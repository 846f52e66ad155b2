package io.vhost.bpf.context;

import io.vhost.bpf.btf.Btf;
import io.vhost.bpf.btf.BtfKind;
import io.vhost.bpf.btf.BtfType;
import io.vhost.bpf.btf.CTypes;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What {@link CheckMode#STRICT} asks of a function beyond what the kernel does, and how it says so.
 */
final class StrictRules {
    /** Structs that are nothing but contexts; a socket is also an object that programs get elsewhere. */
    private static final Set<String> CONTEXTS = Arrays.stream(ProgramType.values())
            .map(ProgramType::programContext).filter(context -> context.kind() == ContextType.Kind.STRUCT)
            .map(ContextType::name).filter(name -> !name.equals("bpf_sock"))
            .collect(Collectors.toUnmodifiableSet());

    private final Btf btf;
    private final ArgumentTags tags;
    private final ContextRules contexts;
    private final ProgramType type;
    private final Optional<AttachType> attachType;

    StrictRules(Btf btf, ArgumentTags tags, ContextTypes types, ProgramType type,
            Optional<AttachType> attachType) {
        this.btf = btf;
        this.tags = tags;
        this.contexts = new ContextRules(btf, types);
        this.type = type;
        this.attachType = attachType;
    }

    /**
     * Why a program is refused on which the kernel does not rely, as lines of a log; empty if it takes what
     * is customary.
     *
     * @param arguments what the kernel takes its arguments for
     * @param log       what the kernel says
     */
    String program(int functionId, List<Argument> arguments, String log) {
        List<BtfType.Parameter> parameters = parameters(functionId);
        if (parameters.size() == 1 && customary(parameters.getFirst())) {
            return "";
        }
        // What the kernel would say of the argument as plain memory tells the reader nothing.
        boolean telling = parameters.size() > ArgumentRules.MAX_ARGUMENTS || tags.any(functionId, 0);
        String text = telling ? log : "";
        if (parameters.isEmpty()) {
            return text + "takes no argument, " + expected("") + "\n";
        }
        if (arguments.isEmpty() || arguments.getFirst().kind() != Argument.Kind.CONTEXT) {
            return text + wrongArgument(0, parameters.getFirst());
        }
        return parameters.size() == 1 ? log
                : text + "takes " + parameters.size() + " arguments, " + expected("one: ") + "\n";
    }

    /**
     * Why a function that is no program is refused: it takes the context of another program type, untagged.
     * The kernel takes that for memory of its size, which no caller has to pass; in a static function it lets
     * the program read its own context by the other's names.
     */
    String part(int functionId) {
        List<BtfType.Parameter> parameters = parameters(functionId);
        for (int i = 0; i < parameters.size(); i++) {
            if (!tags.any(functionId, i) && isForeignContext(parameters.get(i))) {
                return wrongArgument(i, parameters.get(i));
            }
        }
        return "";
    }

    /**
     * Whether a program takes what is customary although the kernel does not rely on it. Where a program type
     * has no context type of its own, that is what the kernel's rule for tagged arguments allows. Where it
     * has one, and for iterators, a struct that is only announced will do: compilers leave it at that where
     * the first pointer to it is a member of another struct.
     */
    private boolean customary(BtfType.Parameter parameter) {
        int pointer = btf.strip(parameter.type());
        if (btf.kind(pointer) != BtfKind.PTR) {
            return false;
        }
        BtfType pointee = btf.type(btf.strip(btf.referred(pointer)));
        boolean announced = pointee instanceof BtfType.Forward forward && !forward.union()
                && (contexts.isNameOfContext(forward.name(), type) || isNameOfIterator(forward.name()));
        boolean named = type.programContext().kind() == ContextType.Kind.STRUCT;
        boolean integer = type == ProgramType.LIRC_MODE2 && pointee instanceof BtfType.Int i && i.size() == 4;
        return announced || integer || (!(named && pointee instanceof BtfType.Nothing)
                && contexts.tagged(new StringBuilder(), pointer, 0, type, attachType));
    }

    private boolean isForeignContext(BtfType.Parameter parameter) {
        int pointer = btf.strip(parameter.type());
        if (btf.kind(pointer) != BtfKind.PTR || type.programContext().kind() != ContextType.Kind.STRUCT) {
            return false;
        }
        int pointee = btf.strip(btf.referred(pointer));
        return (btf.kind(pointee) == BtfKind.STRUCT || btf.kind(pointee) == BtfKind.FWD)
                && CONTEXTS.contains(btf.name(pointee)) && !contexts.isNameOfContext(btf.name(pointee), type);
    }

    private String wrongArgument(int index, BtfType.Parameter parameter) {
        String argument = "arg#" + index + " is `" + new CTypes(btf).name(parameter.type()) + "`, ";
        boolean any = type == ProgramType.TRACEPOINT || type == ProgramType.SYSCALL;
        return argument + (any && isUnnamed(parameter)
                ? type + " programs take any struct that has a name: write one behind `struct` where it is"
                        + " defined, the name of a typedef does not count\n"
                : expected("") + "\n");
    }

    private boolean isUnnamed(BtfType.Parameter parameter) {
        int pointer = btf.strip(parameter.type());
        return btf.kind(pointer) == BtfKind.PTR
                && btf.type(btf.strip(btf.referred(pointer))) instanceof BtfType.Composite struct
                && struct.name().isEmpty();
    }

    private boolean isNameOfIterator(String name) {
        return isIterator() && name.startsWith(ContextRules.ITERATOR);
    }

    private boolean isIterator() {
        return type == ProgramType.TRACING && attachType.equals(Optional.of(AttachType.TRACE_ITER));
    }

    /** What the author of a program has to write. */
    private String expected(String count) {
        String take = type + " programs take " + count;
        if (isIterator()) {
            return take + "`struct " + ContextRules.ITERATOR + "NAME *` in a section iter/NAME";
        }
        ContextType context = type.programContext();
        boolean named = context.kind() != ContextType.Kind.VOID_POINTER;
        return take + "`" + (named ? context + " *" : "void *") + "`";
    }

    private List<BtfType.Parameter> parameters(int functionId) {
        return btf.type(btf.referred(functionId)) instanceof BtfType.Prototype prototype
                ? prototype.parameters() : List.of();
    }
}
