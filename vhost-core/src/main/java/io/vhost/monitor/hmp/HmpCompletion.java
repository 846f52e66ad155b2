package io.vhost.monitor.hmp;

import java.util.List;

/**
 * What a TAB does to a line.
 *
 * @param addition what is put in behind it; empty if nothing can be
 * @param choices what the last word may become, if that is several
 */
record HmpCompletion(String addition, List<String> choices) {
    /** The completion of a word's beginning by one of these words. */
    static HmpCompletion of(String begun, List<String> words) {
        List<String> choices = words.stream().filter(word -> word.startsWith(begun)).sorted().toList();
        if (choices.isEmpty()) {
            return new HmpCompletion("", List.of());
        }
        // Between the first and the last of a sorted list all have what those two have in common.
        String first = choices.getFirst();
        String last = choices.getLast();
        int common = begun.length();
        while (common < first.length() && common < last.length()
                && first.charAt(common) == last.charAt(common)) {
            common++;
        }
        boolean only = choices.size() == 1;
        return new HmpCompletion(first.substring(begun.length(), common) + (only ? " " : ""),
                only ? List.of() : choices);
    }
}
