package io.vhost.device;

import java.util.Objects;

/**
 * Where programs are attached.
 *
 * @param name of the port, for people
 * @param port its number, 1 or more: what XDP calls an interface index
 * @param isToGuest whether packets go to the guest here; false: they come from it
 */
public record ProgramPlace(String name, int port, boolean isToGuest) {
    /** Checks that the port has a number. */
    public ProgramPlace {
        Objects.requireNonNull(name, "name");
        if (port < 1) {
            throw new IllegalArgumentException("port " + port + " of " + name + ": count ports from 1, as"
                    + " interface indexes are; 0 means none to programs");
        }
    }

    @Override
    public String toString() {
        return name + (isToGuest ? ", to the guest" : ", from the guest");
    }
}
