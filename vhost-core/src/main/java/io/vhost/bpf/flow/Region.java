package io.vhost.bpf.flow;

/** Numbers of regions, as {@link AccessRegions} has them. */
public final class Region {
    /** Whichever region the address says. */
    public static final int ANY = 0;
    /** The context. */
    public static final int CONTEXT = 1;
    /** The packet and its room. */
    public static final int PACKET = 2;
    /** The stack. */
    public static final int STACK = 3;
    /** The values of the program's map i, when it is added. */
    public static final int FIRST_MAP = 4;

    private Region() {
    }
}
