package io.vhost.bpf.rules;

/** Sentences that errors begin with. */
final class Remedies {
    static final String CHECK_NULL = "compare the result of the lookup with NULL before using it";

    private Remedies() {
    }

    /** A packet access behind what is known to be there. */
    static String comparePacket(boolean meta, long from, int size) {
        String end = meta ? "data" : "data_end";
        return "check that " + (meta ? "data_meta" : "data") + " + " + (from + size) + " <= " + end
                + " before this access";
    }
}
