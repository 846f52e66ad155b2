package io.vhost.bench;

import java.util.Arrays;

/**
 * Order statistics of a sample, quartiles by linear interpolation between the neighbours in order.
 *
 * @param count how many values
 * @param min the least
 * @param lower the first quartile
 * @param median the second
 * @param upper the third
 * @param max the greatest
 */
record Spread(int count, double min, double lower, double median, double upper, double max) {
    /**
     * The spread of at least one value.
     *
     * @throws IllegalArgumentException where there is none, or one is not a number
     */
    static Spread of(double... values) {
        if (values.length == 0 || Arrays.stream(values).anyMatch(Double::isNaN)) {
            throw new IllegalArgumentException("no spread of " + Arrays.toString(values));
        }
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return new Spread(sorted.length, sorted[0], quantile(sorted, 0.25), quantile(sorted, 0.5),
                quantile(sorted, 0.75), sorted[sorted.length - 1]);
    }

    private static double quantile(double[] sorted, double share) {
        double place = share * (sorted.length - 1);
        int below = (int) place;
        int above = Math.min(below + 1, sorted.length - 1);
        return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
    }
}
