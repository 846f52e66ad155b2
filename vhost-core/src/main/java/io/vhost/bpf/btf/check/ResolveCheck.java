package io.vhost.bpf.btf.check;

import io.vhost.bpf.btf.BtfException;
import io.vhost.bpf.btf.BtfKind;
import io.vhost.bpf.btf.Errno;
import io.vhost.bpf.btf.raw.BtfRaw;
import java.util.Set;

/**
 * The fourth stage: follows references depth first, with a stack of at most 32 types, and finds loops,
 * references to what cannot be referred to, and members that do not fit.
 *
 * <p>Three modes decide where following stops. A pointer may point back to the struct that holds it, so
 * following from a pointer stops at structs and arrays, and following from a struct or array stops at
 * pointers.
 */
final class ResolveCheck {
    private static final int MAX_DEPTH = 32;
    private static final String TYPE_ID = "Invalid type_id";

    private enum Mode { UNDECIDED, POINTER, STRUCT_OR_ARRAY }

    private final BtfRaw raw;
    private final BtfLog log;
    private final Names names;
    private final Resolution resolution;
    private final MemberCheck memberCheck;
    private final int[] stack = new int[MAX_DEPTH];
    private final int[] nextMember = new int[MAX_DEPTH];
    private final int[] unnamedArgument;
    private int depth;
    private Mode mode = Mode.UNDECIDED;

    ResolveCheck(BtfRaw raw, BtfLog log, Set<BtfRule> rules) {
        this.raw = raw;
        this.log = log;
        this.names = new Names(raw, rules);
        this.resolution = new Resolution(raw);
        this.memberCheck = new MemberCheck(raw, log, resolution);
        this.unnamedArgument = new int[raw.count()];
    }

    void checkAll() throws BtfException {
        log.resolving();
        for (int id = 1; id < raw.count(); id++) {
            log.current(id);
            BtfKind kind = BtfKind.of(raw.kindId(id));
            if (Resolution.needsResolving(kind) && !resolution.resolved(id)) {
                resolve(id);
            }
            if (kind == BtfKind.FUNC_PROTO) {
                prototype(id);
            }
        }
    }

    private void resolve(int root) throws BtfException {
        int saved = log.current();
        mode = Mode.UNDECIDED;
        push(root, root);
        while (depth > 0) {
            int id = stack[depth - 1];
            log.current(id);
            step(root, id);
        }
        log.current(root);
        if (!plausible(root)) {
            throw log.type(raw.offset(root), "Invalid resolve state");
        }
        log.current(saved);
    }

    private void step(int root, int id) throws BtfException {
        switch (BtfKind.of(raw.kindId(id))) {
            case PTR, VAR -> pointerOrVariable(root, id);
            case ARRAY -> array(root, id);
            case STRUCT, UNION -> composite(root, id);
            case FUNC -> function(id);
            case DATASEC -> section(root, id);
            case DECL_TAG -> declarationTag(root, id);
            default -> modifier(root, id);
        }
    }

    /** Makes {@code id} the type to look at next. */
    private void push(int root, int id) throws BtfException {
        if (depth == MAX_DEPTH) {
            log.current(root);
            throw log.type(Errno.E2BIG, raw.offset(root), "Exceeded max resolving depth:" + MAX_DEPTH);
        }
        if (!resolution.visit(id)) {
            log.current(root);
            throw log.type(Errno.EEXIST, raw.offset(root), "Loop detected");
        }
        stack[depth] = id;
        nextMember[depth] = 0;
        depth++;
        if (mode == Mode.UNDECIDED) {
            BtfKind kind = BtfKind.of(raw.kindId(id));
            if (kind == BtfKind.PTR) {
                mode = Mode.POINTER;
            } else if (kind.isComposite() || kind == BtfKind.ARRAY) {
                mode = Mode.STRUCT_OR_ARRAY;
            }
        }
    }

    private void pop(int resolvedId, int size) {
        depth--;
        resolution.resolve(stack[depth], resolvedId, size);
    }

    /** Whether {@code id} must be looked at before the type that refers to it can be finished. */
    private boolean pending(int id) {
        return !sink(id) && !resolution.resolved(id);
    }

    private boolean sink(int id) {
        BtfKind kind = BtfKind.of(raw.kindId(id));
        return switch (mode) {
            case UNDECIDED -> !Resolution.needsResolving(kind);
            case POINTER -> !kind.isModifier() && kind != BtfKind.PTR;
            case STRUCT_OR_ARRAY -> !kind.isModifier() && kind != BtfKind.ARRAY && !kind.isComposite();
        };
    }

    private int target(int id) throws BtfException {
        int target = raw.size(id);
        if (!raw.exists(target) || resolution.sourceOnly(target)) {
            throw log.type(raw.offset(id), TYPE_ID);
        }
        return target;
    }

    private void modifier(int root, int id) throws BtfException {
        int next = target(id);
        if (pending(next)) {
            push(root, next);
            return;
        }
        pop(sizedOrOpaque(id, next), 0);
    }

    private void pointerOrVariable(int root, int id) throws BtfException {
        int next = target(id);
        if (pending(next)) {
            push(root, next);
            return;
        }
        if (BtfKind.of(raw.kindId(next)).isModifier()) {
            // Resolved under a struct, a modifier stops at the pointer behind it; that pointer may lead back
            // here.
            int behind = resolution.resolvedId(next);
            if (BtfKind.of(raw.kindId(behind)) == BtfKind.PTR && pending(behind)) {
                push(root, behind);
                return;
            }
        }
        if (BtfKind.of(raw.kindId(id)) == BtfKind.PTR) {
            pop(sizedOrOpaque(id, next), 0);
            return;
        }
        int sized = resolution.sized(next);
        if (sized < 0) {
            throw log.type(raw.offset(id), TYPE_ID);
        }
        pop(sized, 0);
    }

    /** What {@code next} comes down to: a type with a size, or void, an announced struct or a prototype. */
    private int sizedOrOpaque(int id, int next) throws BtfException {
        int sized = resolution.sized(next);
        if (sized >= 0) {
            return sized;
        }
        int opaque = resolution.resolved(next) ? resolution.resolvedId(next) : next;
        BtfKind kind = BtfKind.of(raw.kindId(opaque));
        if (opaque != 0 && kind != BtfKind.FWD && kind != BtfKind.FUNC_PROTO) {
            throw log.type(raw.offset(id), TYPE_ID);
        }
        return opaque;
    }

    private void array(int root, int id) throws BtfException {
        int at = raw.offset(id);
        int index = raw.trailing(id, 1);
        refuse(at, resolution.noSizeOrMissing(index) || resolution.sourceOnly(index), "Invalid index");
        if (pending(index)) {
            push(root, index);
            return;
        }
        int sizedIndex = resolution.sized(index);
        refuse(at, sizedIndex < 0 || BtfKind.of(raw.kindId(sizedIndex)) != BtfKind.INT
                || !resolution.regularInteger(sizedIndex),
                "Invalid index");
        int element = raw.trailing(id, 0);
        refuse(at, resolution.noSizeOrMissing(element) || resolution.sourceOnly(element), "Invalid elem");
        if (pending(element)) {
            push(root, element);
            return;
        }
        int sized = resolution.sized(element);
        refuse(at, sized < 0, "Invalid elem");
        refuse(at, BtfKind.of(raw.kindId(sized)) == BtfKind.INT && !resolution.regularInteger(sized),
                "Invalid array of int");
        long size = Integer.toUnsignedLong(resolution.sizeOf(sized));
        long elements = Integer.toUnsignedLong(raw.trailing(id, 2));
        refuse(at, elements != 0 && size > 0xFFFFFFFFL / elements, "Array size overflows U32_MAX");
        pop(sized, (int) (size * elements));
    }

    private void composite(int root, int id) throws BtfException {
        int from = nextMember[depth - 1];
        if (from > 0) {
            memberCheck.check(id, from - 1);
        }
        int members = raw.vlen(id);
        for (int i = from; i < members; i++) {
            int type = raw.trailing(id, 3 * i + 1);
            if (resolution.noSizeOrMissing(type) || resolution.sourceOnly(type)) {
                throw log.member(raw.offset(id), i, "Invalid member");
            }
            if (pending(type)) {
                nextMember[depth - 1] = i + 1;
                push(root, type);
                return;
            }
            memberCheck.check(id, i);
        }
        pop(0, 0);
    }

    private void function(int id) throws BtfException {
        int proto = raw.size(id);
        refuse(raw.offset(id), !raw.exists(proto)
                || BtfKind.of(raw.kindId(proto)) != BtfKind.FUNC_PROTO, TYPE_ID);
        int unnamed = unnamedArgument(proto);
        refuse(raw.offset(id), unnamed > 0, "Invalid arg#" + unnamed);
        pop(proto, 0);
    }

    /**
     * The first argument without a name, from 1, or -1. Looked for once: a million functions may share one
     * prototype of 65,535 arguments.
     */
    private int unnamedArgument(int proto) {
        if (unnamedArgument[proto] == 0) {
            int found = -1;
            for (int i = 0; i < raw.vlen(proto) && found < 0; i++) {
                if (raw.trailing(proto, 2 * i) == 0 && raw.trailing(proto, 2 * i + 1) != 0) {
                    found = i + 1;
                }
            }
            unnamedArgument[proto] = found;
        }
        return unnamedArgument[proto];
    }

    private void section(int root, int id) throws BtfException {
        mode = Mode.UNDECIDED;
        int variables = raw.vlen(id);
        for (int i = nextMember[depth - 1]; i < variables; i++) {
            int variable = raw.trailing(id, 3 * i);
            if (!raw.exists(variable) || BtfKind.of(raw.kindId(variable)) != BtfKind.VAR) {
                throw log.variable(raw.offset(id), i, "Not a VAR kind member");
            }
            if (pending(variable)) {
                nextMember[depth - 1] = i + 1;
                push(root, variable);
                return;
            }
            int sized = resolution.sized(raw.size(variable));
            if (sized < 0) {
                throw log.variable(raw.offset(id), i, "Invalid type");
            }
            if (Integer.compareUnsigned(raw.trailing(id, 3 * i + 2), resolution.sizeOf(sized)) < 0) {
                throw log.variable(raw.offset(id), i, "Invalid size");
            }
        }
        pop(0, 0);
    }

    private void declarationTag(int root, int id) throws BtfException {
        int next = raw.size(id);
        boolean legal = raw.exists(next) && switch (BtfKind.of(raw.kindId(next))) {
            case FUNC, STRUCT, UNION, VAR, TYPEDEF -> true;
            default -> false;
        };
        refuse(raw.offset(id), !legal, TYPE_ID);
        if (pending(next)) {
            push(root, next);
            return;
        }
        int component = raw.trailing(id, 0);
        if (component != -1) {
            BtfKind kind = BtfKind.of(raw.kindId(next));
            int holder = kind == BtfKind.FUNC ? raw.size(next) : next;
            refuse(raw.offset(id), kind == BtfKind.VAR || kind == BtfKind.TYPEDEF
                    || Integer.compareUnsigned(component, raw.vlen(holder)) >= 0, "Invalid component_idx");
        }
        pop(next, 0);
    }

    private void prototype(int id) throws BtfException {
        int at = raw.offset(id);
        int returned = raw.size(id);
        if (returned != 0) {
            argument(at, returned, "Invalid return type");
        }
        int arguments = raw.vlen(id);
        if (arguments > 0 && raw.trailing(id, 2 * arguments - 1) == 0) {
            refuse(at, raw.trailing(id, 2 * arguments - 2) != 0, "Invalid arg#" + arguments);
            arguments--;
        }
        for (int i = 0; i < arguments; i++) {
            int type = raw.trailing(id, 2 * i + 1);
            int name = raw.trailing(id, 2 * i);
            String error = "Invalid arg#" + (i + 1);
            refuse(at, !raw.exists(type) || resolution.sourceOnly(type), error);
            refuse(at, name != 0 && (!raw.nameExists(name) || !names.identifier(name)), error);
            argument(at, type, error);
        }
    }

    private void argument(int at, int type, String error) throws BtfException {
        refuse(at, !raw.exists(type) || resolution.sourceOnly(type), error);
        if (Resolution.needsResolving(BtfKind.of(raw.kindId(type))) && !resolution.resolved(type)) {
            resolve(type);
        }
        refuse(at, resolution.sized(type) < 0, error);
    }

    private boolean plausible(int id) {
        int resolvedId = resolution.resolvedId(id);
        return switch (BtfKind.of(raw.kindId(id))) {
            case STRUCT, UNION, DATASEC -> resolvedId == 0 && resolution.resolvedSize(id) == 0;
            case DECL_TAG, FUNC -> resolvedId != 0 && resolution.resolvedSize(id) == 0;
            case ARRAY -> {
                int sized = resolution.sized(raw.trailing(id, 0));
                int elements = raw.trailing(id, 2);
                yield sized >= 0 && elements * resolution.sizeOf(sized) == resolution.resolvedSize(id);
            }
            default -> {
                BtfKind kind = BtfKind.of(raw.kindId(resolvedId));
                yield !kind.isModifier() && kind != BtfKind.VAR && kind != BtfKind.DATASEC;
            }
        };
    }

    private void refuse(int at, boolean fault, String error) throws BtfException {
        if (fault) {
            throw log.type(at, error);
        }
    }
}
