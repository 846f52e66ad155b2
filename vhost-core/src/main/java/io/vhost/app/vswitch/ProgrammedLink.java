package io.vhost.app.vswitch;

import io.vhost.app.polling.PortPrograms;
import io.vhost.device.ProgramChainRunner;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;

/** A link that is no guest's, whose packets programs decide on and captures record as those of guests. */
final class ProgrammedLink implements Link {
    private static final int PAIR = 0;

    private final Link link;
    private final ProgramChainRunner programs;
    private boolean moved;

    ProgrammedLink(Link link, PortPrograms places) {
        this.link = link;
        programs = new ProgramChainRunner(places.fromGuest(), places.toGuest(), PAIR, link::send);
    }

    @Override
    public int receive(PacketPool pool, Packet[] packets, int offset, int count) {
        int taken = link.receive(pool, packets, offset, programs.limit(count));
        moved = taken > 0;
        return programs.received(packets, offset, taken);
    }

    @Override
    public int send(Packet[] packets, int offset, int count) {
        return programs.send(packets, offset, count);
    }

    @Override
    public boolean hasMoved() {
        boolean before = moved;
        moved = false;
        return before;
    }
}
