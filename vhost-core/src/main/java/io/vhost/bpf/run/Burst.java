package io.vhost.bpf.run;

/** What a program is run on, one element after the other: packets, usually. Thread: that of the Cpu. */
public interface Burst {
    /** Sets context and packet of the next run. */
    void load(Cpu cpu, int element);

    /** Takes what the program returned; 0 if it was aborted. */
    void done(Cpu cpu, int element, long result);
}
