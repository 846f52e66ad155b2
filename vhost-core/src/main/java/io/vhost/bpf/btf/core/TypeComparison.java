package io.vhost.bpf.btf.core;

import io.vhost.bpf.btf.Btf;
import io.vhost.bpf.btf.BtfKind;
import io.vhost.bpf.btf.BtfType;
import java.util.List;

/** Compares a type of the program with one of other BTF. Bounded in depth and in steps. Thread: one. */
final class TypeComparison {
    private static final int MAX_DEPTH = 32;
    private static final int MAX_STEPS = 1 << 16;

    private final Btf own;
    private final Btf other;
    private int steps;

    TypeComparison(Btf own, Btf other) {
        this.own = own;
        this.other = other;
    }

    /** Whether they are the same as far as their kinds go: what a program asks with "exists". */
    boolean compatible(int one, int two) {
        return compatible(one, two, 0);
    }

    private boolean compatible(int own0, int other0, int depth) {
        int one = own.strip(own0);
        int two = other.strip(other0);
        if (depth > MAX_DEPTH || ++steps > MAX_STEPS || !CoreNames.alike(own.kind(one), other.kind(two))) {
            return false;
        }
        return switch (own.type(one)) {
            case BtfType.Nothing _, BtfType.Composite _, BtfType.Enumeration _, BtfType.Forward _ -> true;
            case BtfType.Int number -> number.offset() == 0 && ((BtfType.Int) other.type(two)).offset() == 0;
            case BtfType.Pointer pointer ->
                    compatible(pointer.type(), ((BtfType.Pointer) other.type(two)).type(), depth + 1);
            case BtfType.Array array ->
                    compatible(array.element(), ((BtfType.Array) other.type(two)).element(), depth + 1);
            case BtfType.Prototype prototype ->
                    prototypes(prototype, (BtfType.Prototype) other.type(two), depth, false);
            default -> false;
        };
    }

    private boolean prototypes(BtfType.Prototype one, BtfType.Prototype two, int depth, boolean exactly) {
        if (one.parameters().size() != two.parameters().size()) {
            return false;
        }
        for (int i = 0; i < one.parameters().size(); i++) {
            int mine = one.parameters().get(i).type();
            int theirs = two.parameters().get(i).type();
            if (!(exactly ? matches(mine, theirs, false, depth + 1) : compatible(mine, theirs, depth + 1))) {
                return false;
            }
        }
        return exactly ? matches(one.returned(), two.returned(), false, depth + 1)
                : compatible(one.returned(), two.returned(), depth + 1);
    }

    /** Whether everything that the program's type has is in the other one, too. */
    boolean matches(int one, int two) {
        return matches(one, two, false, 0);
    }

    private boolean matches(int own0, int other0, boolean pointed, int depth) {
        int one = own.strip(own0);
        int two = other.strip(other0);
        BtfKind theirs = other.kind(two);
        if (depth > MAX_DEPTH || ++steps > MAX_STEPS || !CoreNames.same(own.name(one), other.name(two))) {
            return false;
        }
        return switch (own.type(one)) {
            case BtfType.Nothing _ -> two == 0;
            case BtfType.Forward forward -> other.type(two) instanceof BtfType.Forward f
                    ? f.union() == forward.union()
                    : theirs == (forward.union() ? BtfKind.UNION : BtfKind.STRUCT);
            case BtfType.Enumeration names -> other.type(two) instanceof BtfType.Enumeration o
                    && enumerators(names, o);
            case BtfType.Composite struct -> composites(struct, other.type(two), pointed, depth);
            case BtfType.Int number -> other.type(two) instanceof BtfType.Int o && o.size() == number.size()
                    && (o.encoding() & BtfType.Int.SIGNED) == (number.encoding() & BtfType.Int.SIGNED);
            case BtfType.Pointer pointer -> other.type(two) instanceof BtfType.Pointer o
                    && matches(pointer.type(), o.type(), true, depth + 1);
            case BtfType.Array array -> other.type(two) instanceof BtfType.Array o
                    && array.count() == o.count()
                    && matches(array.element(), o.element(), pointed, depth + 1);
            case BtfType.Prototype prototype -> other.type(two) instanceof BtfType.Prototype o
                    && prototypes(prototype, o, depth, true);
            default -> false;
        };
    }

    private static boolean enumerators(BtfType.Enumeration one, BtfType.Enumeration two) {
        List<String> names = two.values().stream().map(value -> CoreNames.essential(value.name())).toList();
        return one.values().stream().allMatch(value -> names.contains(CoreNames.essential(value.name())));
    }

    private boolean composites(BtfType.Composite one, BtfType two, boolean pointed, int depth) {
        if (pointed) {
            return two.kind() == one.kind() || (two instanceof BtfType.Forward forward
                    && forward.union() == (one.kind() == BtfKind.UNION));
        }
        if (!(two instanceof BtfType.Composite other2) || two.kind() != one.kind()) {
            return false;
        }
        return one.members().stream().allMatch(member -> other2.members().stream()
                .anyMatch(candidate -> candidate.name().equals(member.name())
                && matches(member.type(), candidate.type(), false, depth + 1)));
    }
}
