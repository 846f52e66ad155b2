package io.vhost.bpf.run;

import io.vhost.bpf.mem.Address;

/** Something that executes the functions of one {@link Image}. Thread: any number, each with its own Cpu. */
public interface Executable {
    /**
     * Runs a function to its end.
     *
     * @param function its number; 0 is the program's own
     * @param fp       its frame pointer: one past its frame, {@code Address.FIRST_FP} for the first
     * @return register 0
     * @throws RuntimeException if the program was ended
     */
    long call(Cpu cpu, int function, long fp, long r1, long r2, long r3, long r4, long r5);

    /**
     * Runs the program's own function once for each element of a burst.
     *
     * @param from the first element
     * @param to   one past the last
     * @throws RuntimeException if the program was ended; the Cpu knows at which element
     */
    default void burst(Cpu cpu, Burst burst, int from, int to) {
        for (int i = from; i < to; i++) {
            burst.load(cpu, i);
            cpu.begin(i);
            long result = call(cpu, 0, Address.FIRST_FP, Address.CONTEXT, 0, 0, 0, 0);
            cpu.end();
            burst.done(cpu, i, result);
        }
    }
}
