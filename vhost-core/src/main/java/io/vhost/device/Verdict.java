package io.vhost.device;

/**
 * What becomes of a packet that a program has looked at. In the order of the actions of XDP, whose numbers
 * are the ordinals (Linux, {@code enum xdp_action}).
 */
public enum Verdict {
    /** The program has failed: the packet is dropped, and counted as this. */
    ABORTED,
    /** The packet is dropped. */
    DROP,
    /** The packet goes on its way, or to the next program of the chain. */
    PASS,
    /** The packet goes back to the guest that sent it, by the other queue of the pair. */
    TX,
    /** The packet goes to another port of the application. */
    REDIRECT
}
