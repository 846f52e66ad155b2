package io.vhost.program;

import io.vhost.bpf.btf.Btf;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * What an application tells before an object is loaded. Immutable; each method answers a new one.
 *
 * @param variables numbers of the object's variables by path, as {@code debug} or {@code limits.rate}; also
 *     of {@code .rodata} and {@code .kconfig}, which programs cannot change
 * @param types what answers the object's questions about types (CO-RE), if not the object's own
 * @param budgeted whether loops are accepted that are not known to end
 * @param budget jumps back and calls that a packet may cost where loops are not known to end, at least 1:
 * when
 *     they are used up the packet is dropped, as aborted
 * @param threads most threads that run the object's programs at the same moment, at least 1; each has values
 *     of its own in per-CPU maps, and one more waits
 * @param maxMapBytes most bytes of a map's values
 */
public record ProgramOptions(Map<String, Long> variables, Optional<Btf> types, boolean budgeted, long budget,
                             int threads, long maxMapBytes) {
    /** Jumps back and calls a packet where loops are not known to end: some 50 microseconds. */
    public static final long DEFAULT_BUDGET = 1 << 14;
    /** Bytes of a map's values unless told otherwise. */
    public static final long DEFAULT_MAP_BYTES = 1L << 30;

    /** Copies what may be changed. */
    public ProgramOptions {
        variables = Map.copyOf(variables);
        if (budget < 1 || threads < 1 || maxMapBytes < 1) {
            throw new IllegalArgumentException("budget=" + budget + ", threads=" + threads + ", maxMapBytes="
                    + maxMapBytes + ": each must be at least 1");
        }
    }

    /** {@return what is used unless told otherwise} */
    public static ProgramOptions defaults() {
        return new ProgramOptions(Map.of(), Optional.empty(), false, DEFAULT_BUDGET,
                Math.max(2, Runtime.getRuntime().availableProcessors()), DEFAULT_MAP_BYTES);
    }

    /** {@return these, with a variable set} */
    public ProgramOptions set(String path, long number) {
        Map<String, Long> all = new LinkedHashMap<>(variables);
        all.put(path, number);
        return new ProgramOptions(all, types, budgeted, budget, threads, maxMapBytes);
    }

    /** {@return these, with types that answer the object's questions} */
    public ProgramOptions types(Btf btf) {
        return new ProgramOptions(variables, Optional.of(btf), budgeted, budget, threads, maxMapBytes);
    }

    /** {@return these, with loops accepted that are not known to end, and so many jumps back a packet} */
    public ProgramOptions budgeted(long jumps) {
        return new ProgramOptions(variables, types, true, jumps, threads, maxMapBytes);
    }

    /** {@return these, for so many threads} */
    public ProgramOptions threads(int most) {
        return new ProgramOptions(variables, types, budgeted, budget, most, maxMapBytes);
    }
}
