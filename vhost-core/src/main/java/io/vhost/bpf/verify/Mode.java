package io.vhost.bpf.verify;

/** What becomes of loops that are not known to end. */
public enum Mode {
    /** They are refused, as the kernel does. */
    STRICT,
    /** They are accepted: the program must run with a budget for jumps back and calls. */
    BUDGETED
}
