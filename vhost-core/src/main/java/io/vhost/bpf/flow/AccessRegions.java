package io.vhost.bpf.flow;

import io.vhost.bpf.insn.Code;
import io.vhost.bpf.run.Image;

/**
 * The region that each load and store of a program accesses. Thread: immutable; any thread.
 */
public final class AccessRegions {
    // Larger ones are not compiled, and following their registers would take long.
    private static final int MAX_FOLLOWED = 1 << 14;

    private final int[] regions;
    private final int[] maps;

    private AccessRegions(int[] regions, int[] maps) {
        this.regions = regions;
        this.maps = maps;
    }

    /** Follows the registers of a program; of one with more than 16,384 instructions nothing is known. */
    public static AccessRegions of(Image image) {
        Code code = image.code();
        int[] regions = new int[code.length()];
        int[] maps = new int[code.length()];
        if (code.length() <= MAX_FOLLOWED) {
            new Follower(image, regions, maps).follow();
        }
        return new AccessRegions(regions, maps);
    }

    /**
     * The region of a load, store or atomic operation; of a call of {@code bpf_skb_load_bytes} or
     * {@code bpf_xdp_load_bytes} that which it stores to.
     */
    public int region(int at) {
        return regions[at];
    }

    /**
     * The number of the map that is the first argument of a call, or -1. Where ways meet it may be a number
     * instead, NULL for one, which is for who makes the call to find out.
     */
    public int map(int at) {
        return maps[at] - 1;
    }
}
