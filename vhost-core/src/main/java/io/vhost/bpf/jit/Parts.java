package io.vhost.bpf.jit;

import io.vhost.bpf.insn.Code;
import io.vhost.bpf.insn.Insn;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;

/**
 * Where a function that is too large for one method is cut: parts of at most so many instructions, cut where
 * the fewest jumps lead across and, if possible, no loop. One object, one function.
 */
final class Parts {
    /** A loop across a cut changes methods in each round. */
    private static final int JUMP_BACK = 16;
    private static final int ENTRY_BITS = 16;

    private final Code code;
    private final int end;
    private final List<Integer> starts = new ArrayList<>();
    private final List<List<Integer>> entries = new ArrayList<>();

    /** Cuts a function; {@code max} is the largest number of instructions of a part, at least 2. */
    Parts(Code code, int function, int max) {
        this.code = code;
        this.end = code.end(function);
        cut(code.start(function), max);
        findEntries();
    }

    private int width(int at) {
        return Insn.opcode(code.insn(at)) == Insn.LDDW ? 2 : 1;
    }

    private void cut(int first, int max) {
        int[] crossing = crossing(first);
        int start = first;
        while (end - start > max) {
            starts.add(start);
            start = next(start, max, first, crossing);
        }
        starts.add(start);
    }

    /** The cheapest place in the second half of what may be the part; the last one if there are several. */
    private int next(int start, int max, int first, int[] crossing) {
        int best = -1;
        int last = start;
        for (int at = start + width(start); at <= start + max; at += width(at)) {
            boolean large = at - start > max / 2;
            if (large && (best < 0 || crossing[at - first] <= crossing[best - first])) {
                best = at;
            }
            last = at;
        }
        return best < 0 ? last : best;
    }

    /** What the jumps cost that lead from one side of each instruction's beginning to the other. */
    private int[] crossing(int first) {
        int[] changes = new int[end - first + 2];
        for (int at = first; at < end; at += width(at)) {
            if (Insn.isJump(code.insn(at))) {
                int target = at + 1 + Insn.distance(code.insn(at));
                int cost = target <= at ? JUMP_BACK : 1;
                changes[Math.min(at, target) + 1 - first] += cost;
                changes[Math.max(at, target) + 1 - first] -= cost;
            }
        }
        int[] costs = new int[end - first + 1];
        int cost = 0;
        for (int i = 0; i < costs.length; i++) {
            cost += changes[i];
            costs[i] = cost;
        }
        return costs;
    }

    /** Its beginning, where the part before falls through, and where others jump to. */
    private void findEntries() {
        List<TreeSet<Integer>> found = new ArrayList<>();
        for (int start : starts) {
            found.add(new TreeSet<>(List.of(start)));
        }
        for (int part = 0; part < count(); part++) {
            for (int at = start(part); at < end(part); at += width(at)) {
                if (Insn.isJump(code.insn(at))) {
                    int target = at + 1 + Insn.distance(code.insn(at));
                    if (!contains(part, target)) {
                        found.get(of(target)).add(target);
                    }
                }
            }
        }
        found.forEach(all -> entries.add(List.copyOf(all)));
    }

    /** How many there are. */
    int count() {
        return starts.size();
    }

    /** The first instruction of a part. */
    int start(int part) {
        return starts.get(part);
    }

    /** One past the last instruction of a part. */
    int end(int part) {
        return part + 1 < starts.size() ? starts.get(part + 1) : end;
    }

    /** Whether an instruction is in a part. */
    boolean contains(int part, int at) {
        return at >= start(part) && at < end(part);
    }

    /** The instructions with which a part may go on, in order. */
    List<Integer> entries(int part) {
        return entries.get(part);
    }

    /** The number that says to go on at one of the entries: the part, and which of its entries. */
    int number(int at) {
        int part = of(at);
        return part << ENTRY_BITS | entries.get(part).indexOf(at);
    }

    /** How far such a number has to be shifted for the part. */
    static int entryBits() {
        return ENTRY_BITS;
    }

    private int of(int at) {
        int part = count() - 1;
        while (start(part) > at) {
            part--;
        }
        return part;
    }
}
