package io.vhost.bpf.run;

/** A function of the runtime that programs call by number. Thread: that of the {@link Cpu}. */
@FunctionalInterface
public interface Helper {
    /**
     * Runs it. An unchecked exception ends the program, not the application.
     *
     * @param cpu what runs the program: its memory and its number
     * @return the new value of register 0
     */
    long call(Cpu cpu, long r1, long r2, long r3, long r4, long r5);
}
