package io.vhost.device;

import io.vhost.queue.ControlException;
import java.util.List;
import java.util.function.Function;

/**
 * One way to break a rule.
 *
 * @param name what is wrong
 * @param eventIdx whether VIRTIO_F_EVENT_IDX is negotiated
 * @param deed writes it into the ring and says what must become of it
 */
record HostileAct(String name, boolean eventIdx, Deed deed) {
    /** Writes chains into a ring behind those that are good. */
    interface Deed {
        Outcome on(RawRing ring) throws ControlException;
    }

    HostileAct(String name, Deed deed) {
        this(name, false, deed);
    }

    /** One for each of these values. */
    static <T> List<HostileAct> each(String name, List<T> values, Function<T, Deed> deed) {
        return values.stream().map(value -> new HostileAct(name + " " + value, deed.apply(value))).toList();
    }
}
