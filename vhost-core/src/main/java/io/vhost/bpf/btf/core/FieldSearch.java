package io.vhost.bpf.btf.core;

import io.vhost.bpf.btf.Btf;
import io.vhost.bpf.btf.BtfType;
import java.util.ArrayList;
import java.util.List;

/** Finds in other types the field that a path of the program's own types leads to: by its names. */
final class FieldSearch {
    private static final int MAX_DEPTH = 32;

    private final AccessPath own;
    private final Btf btf;
    private final List<AccessPath.Step> steps = new ArrayList<>();
    private int at;
    private long bits;

    private FieldSearch(AccessPath own, Btf btf, int root) {
        this.own = own;
        this.btf = btf;
        this.at = btf.strip(root);
    }

    /** The same way through a type of other BTF, or null if there is none. */
    static AccessPath find(AccessPath own, Btf btf, int root) throws CoreException {
        FieldSearch search = new FieldSearch(own, btf, root);
        boolean first = true;
        for (AccessPath.Step step : own.steps()) {
            boolean found = step.isMember() ? search.member(step) : search.element(step, first);
            if (!found) {
                return null;
            }
            first = false;
        }
        return new AccessPath(btf, root, List.copyOf(search.steps), search.bits);
    }

    private boolean element(AccessPath.Step step, boolean first) throws CoreException {
        if (!first) {
            if (!(btf.type(at) instanceof BtfType.Array array)
                    || (step.index() >= array.count() && !AccessPath.isOpen(btf, steps, array))) {
                return false;
            }
            at = btf.strip(array.element());
        }
        steps.add(new AccessPath.Step(at, step.index(), ""));
        bits += step.index() * AccessPath.size(btf, at) * Byte.SIZE;
        return true;
    }

    private boolean member(AccessPath.Step step) {
        BtfType.Member wanted = ((BtfType.Composite) own.btf().type(step.type())).members()
                .get((int) step.index());
        return member(step.name(), wanted.type(), at, bits, 0);
    }

    private boolean member(String name, int type, int struct, long from, int depth) {
        if (depth > MAX_DEPTH || !(btf.type(struct) instanceof BtfType.Composite composite)) {
            return false;
        }
        for (int i = 0; i < composite.members().size(); i++) {
            BtfType.Member member = composite.members().get(i);
            int target = btf.strip(member.type());
            if (member.name().isEmpty()) {
                if (member(name, type, target, from + member.offset(), depth + 1)) {
                    return true;
                }
            } else if (member.name().equals(name)) {
                steps.add(new AccessPath.Step(struct, i, name));
                bits = from + member.offset();
                at = target;
                return alike(own.btf(), own.btf().strip(type), btf, target, 0);
            }
        }
        return false;
    }

    /** Whether a field of one type can be read as one of the other. */
    private static boolean alike(Btf own, int one, Btf other, int two, int depth) {
        if (own.kind(one).isComposite() && other.kind(two).isComposite()) {
            return true;
        }
        if (depth > MAX_DEPTH || !CoreNames.alike(own.kind(one), other.kind(two))) {
            return false;
        }
        return switch (own.type(one)) {
            case BtfType.Pointer _, BtfType.Floating _ -> true;
            case BtfType.Forward _, BtfType.Enumeration _ -> own.name(one).isEmpty()
                    || other.name(two).isEmpty() || CoreNames.same(own.name(one), other.name(two));
            case BtfType.Int number -> number.offset() == 0 && ((BtfType.Int) other.type(two)).offset() == 0;
            case BtfType.Array array -> alike(own, own.strip(array.element()), other,
                    other.strip(((BtfType.Array) other.type(two)).element()), depth + 1);
            default -> false;
        };
    }
}
