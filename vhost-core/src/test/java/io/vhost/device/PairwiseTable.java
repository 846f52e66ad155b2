package io.vhost.device;

import java.util.ArrayList;
import java.util.List;

/**
 * Rows over several factors, in which each two values of different factors meet at least once; far fewer than
 * all combinations. Always the same ones.
 */
final class PairwiseTable {
    private final int[] sizes;

    /** Factors with so many values. */
    PairwiseTable(int... sizes) {
        this.sizes = sizes.clone();
    }

    List<int[]> rows() {
        List<int[]> open = pairs();
        List<int[]> rows = new ArrayList<>();
        while (!open.isEmpty()) {
            int[] row = row(open);
            open.removeIf(pair -> row[pair[0]] == pair[1] && row[pair[2]] == pair[3]);
            rows.add(row);
        }
        return rows;
    }

    /** All that has to be met: factor, value, factor, value. */
    List<int[]> pairs() {
        List<int[]> pairs = new ArrayList<>();
        for (int one = 0; one < sizes.length; one++) {
            for (int other = one + 1; other < sizes.length; other++) {
                for (int i = 0; i < sizes[one] * sizes[other]; i++) {
                    pairs.add(new int[] {one, i % sizes[one], other, i / sizes[one]});
                }
            }
        }
        return pairs;
    }

    /** The first pair that is open, and for each other factor the value that closes most. */
    private int[] row(List<int[]> open) {
        int[] row = new int[sizes.length];
        boolean[] set = new boolean[sizes.length];
        int[] first = open.getFirst();
        row[first[0]] = first[1];
        row[first[2]] = first[3];
        set[first[0]] = true;
        set[first[2]] = true;
        for (int factor = 0; factor < sizes.length; factor++) {
            if (!set[factor]) {
                row[factor] = best(factor, row, set, open);
                set[factor] = true;
            }
        }
        return row;
    }

    private int best(int factor, int[] row, boolean[] set, List<int[]> open) {
        int best = 0;
        long most = -1;
        for (int value = 0; value < sizes[factor]; value++) {
            int present = value;
            long closed = open.stream().filter(pair ->
                    (pair[0] == factor && pair[1] == present && set[pair[2]] && row[pair[2]] == pair[3])
                    || (pair[2] == factor && pair[3] == present && set[pair[0]] && row[pair[0]] == pair[1]))
                    .count();
            if (closed > most) {
                most = closed;
                best = value;
            }
        }
        return best;
    }
}
