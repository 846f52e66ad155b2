package io.vhost.bpf.btf.core;

import io.vhost.bpf.btf.Btf;
import io.vhost.bpf.btf.BtfType;
import io.vhost.bpf.btf.TypeSize;
import java.util.ArrayList;
import java.util.List;

/**
 * A way to a field: {@code 0:2:1} is what a pointer points to (0), its third member, the second one of that.
 *
 * @param btf   the types
 * @param root  the type that it begins with
 * @param steps the steps; of members without a name only the offset remains
 * @param bits  where it ends, in bits from the start
 */
record AccessPath(Btf btf, int root, List<Step> steps, long bits) {
    private static final int MAX_STEPS = 64;

    /**
     * A step.
     *
     * @param type  for a member the struct that has it, for an element its type
     * @param index which member or element
     * @param name  the member's name; empty for an element
     */
    record Step(int type, long index, String name) {
        boolean isMember() {
            return !name.isEmpty();
        }
    }

    /** The numbers of a path's text. */
    static List<Long> numbers(String text) throws CoreException {
        List<Long> numbers = new ArrayList<>();
        for (String number : text.split(":", MAX_STEPS + 1)) {
            if (!number.matches("\\d{1,9}") || numbers.size() == MAX_STEPS) {
                throw new CoreException("access path " + text + " is none");
            }
            numbers.add(Long.parseLong(number));
        }
        return numbers;
    }

    /** Follows a path of the program's own types. */
    static AccessPath of(Btf btf, int root, String text) throws CoreException {
        List<Long> numbers = numbers(text);
        int at = btf.strip(root);
        List<Step> steps = new ArrayList<>(List.of(new Step(at, numbers.getFirst(), "")));
        long bits = numbers.getFirst() * size(btf, at) * Byte.SIZE;
        for (long index : numbers.subList(1, numbers.size())) {
            switch (btf.type(at)) {
                case BtfType.Composite struct when index < struct.members().size() -> {
                    BtfType.Member member = struct.members().get((int) index);
                    bits += member.offset();
                    if (!member.name().isEmpty()) {
                        steps.add(new Step(at, index, member.name()));
                    }
                    at = btf.strip(member.type());
                }
                case BtfType.Array array when index < array.count() || isOpen(btf, steps, array) -> {
                    at = btf.strip(array.element());
                    steps.add(new Step(at, index, ""));
                    bits += index * size(btf, at) * Byte.SIZE;
                }
                default -> throw new CoreException("access path " + text + " leads out of "
                        + CoreNames.of(btf, btf.strip(root)));
            }
        }
        return new AccessPath(btf, root, List.copyOf(steps), bits);
    }

    static long size(Btf btf, int type) throws CoreException {
        long size = TypeSize.of(btf, type);
        if (size < 0) {
            throw new CoreException(CoreNames.of(btf, type) + " has no size");
        }
        return size;
    }

    /** Whether an array is the last member of its struct, and of no length: then it may be longer. */
    static boolean isOpen(Btf btf, List<Step> before, BtfType.Array array) {
        Step last = before.getLast();
        return array.count() <= 1 && last.isMember()
                && btf.type(last.type) instanceof BtfType.Composite struct
                && last.index == struct.members().size() - 1;
    }

    /** The member that it ends with, or null if it ends with an element. */
    BtfType.Member member() {
        Step last = steps.getLast();
        return last.isMember() && btf.type(last.type) instanceof BtfType.Composite struct
                ? struct.members().get((int) last.index) : null;
    }

    /** The type that it ends with. */
    int end() {
        BtfType.Member member = member();
        return member == null ? steps.getLast().type : member.type();
    }

    /** {@code a.b[2]}, for messages. */
    String text() {
        StringBuilder text = new StringBuilder();
        for (Step step : steps.subList(1, steps.size())) {
            text.append(step.isMember() ? (text.isEmpty() ? "" : ".") + step.name : "[" + step.index + "]");
        }
        return text.toString();
    }
}
