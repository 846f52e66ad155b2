package io.vhost.bpf.map;

import java.io.Serial;

/** A map that cannot be made: the kernel's error number, and what to change. */
public final class MapException extends Exception {
    @Serial
    private static final long serialVersionUID = 1L;

    private final int errno;

    /**
     * Refuses a map.
     *
     * @param errno the error number, positive
     */
    public MapException(MapSpec spec, int errno, String text) {
        super("map " + spec.name() + ": " + text);
        this.errno = errno;
    }

    /** The error number that {@code BPF_MAP_CREATE} answers, positive. */
    public int errno() {
        return errno;
    }
}
