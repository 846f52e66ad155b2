package io.vhost.queue;

import io.vhost.memory.GuestMemory;
import io.vhost.ring.RingAddresses;
import io.vhost.ring.RingFormat;
import io.vhost.ring.RingOptions;
import io.vhost.state.QueueSnapshot;

/** Steps in the life of a queue that are made under its lock, for twins that leave it out. */
public final class QueueSteps {
    private QueueSteps() {}

    /** What a front-end says before a ring begins, at addresses that are the same for it and for us. */
    public static void begin(RingSetup setup, int size, RingAddresses addresses) {
        setup.size = size;
        setup.base = null;
        setup.freshBase = false;
        setup.place(addresses, 0);
        setup.start(null);
        setup.enable(true);
    }

    /** As {@link QueueControl#restart}. */
    public static void restart(
            QueueLife life, RingChange change, GuestMemory memory, RingFormat format, RingOptions options) {
        try {
            life.restart(change, memory, format, options);
        } catch (ControlException e) {
            throw new AssertionError(e);
        }
    }

    /** As {@link DeviceQueue#snapshot}. */
    public static QueueSnapshot snapshot(QueueLife life) {
        return life.snapshot();
    }
}
