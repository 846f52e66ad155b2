package io.vhost.app.polling;

import io.vhost.device.PacketPorts;
import io.vhost.device.ProgramChain;
import io.vhost.device.VhostDevice;
import io.vhost.device.VirtQueue;
import java.util.List;

/**
 * The places for programs of a port, which stay while its devices come and go. Any thread.
 *
 * @param fromGuest for packets that come from the guests
 * @param toGuest for packets that go to them
 */
public record PortPrograms(ProgramChain fromGuest, ProgramChain toGuest) {
    /** Whoever gives ports their programs. */
    @FunctionalInterface
    public interface Keeper {
        /** No programs for any port. */
        Keeper NONE = _ -> {};

        /** There is a port, to which nobody can connect yet. */
        void added(PortPrograms port);

        /** A port is gone, or could not be opened. */
        default void removed(PortPrograms port) {}

        /** This one, and then another. */
        default Keeper and(Keeper other) {
            return new BothKeepers(this, other);
        }
    }

    private record BothKeepers(Keeper first, Keeper second) implements Keeper {
        @Override
        public void added(PortPrograms port) {
            first.added(port);
            second.added(port);
        }

        @Override
        public void removed(PortPrograms port) {
            second.removed(port);
            first.removed(port);
        }
    }

    /** Places that nobody knows of, and where no program will be. */
    public static final PortPrograms NONE = of("none", 0, PacketPorts.NONE);

    /**
     * Places without programs.
     *
     * @param name of the port
     * @param number of the port as its user counts, from 0; programs count from 1
     * @param ports where packets can be redirected to
     */
    public static PortPrograms of(String name, int number, PacketPorts ports) {
        return new PortPrograms(ProgramChain.fromGuest(name, number + 1, ports),
                ProgramChain.toGuest(name, number + 1));
    }

    /** Both places. */
    public List<ProgramChain> chains() {
        return List.of(fromGuest, toGuest);
    }

    /** Lets the programs work on a device's queues. */
    void giveTo(VhostDevice device) {
        for (int i = 0; i < device.queueCount(); i++) {
            VirtQueue queue = device.queue(i);
            queue.programs(queue.isToGuest() ? toGuest : fromGuest);
        }
    }
}
