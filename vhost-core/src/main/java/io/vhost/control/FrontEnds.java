package io.vhost.control;

import io.vhost.os.PeerCredentials;
import io.vhost.state.FrontEnd;
import java.util.concurrent.atomic.AtomicLong;

/** Numbers the front-ends of this process. Any thread. */
final class FrontEnds {
    private static final AtomicLong LAST = new AtomicLong();

    private FrontEnds() {}

    /** A front-end that has just connected, with an id of its own and a name made of both. */
    static FrontEnd connected(String socket, PeerCredentials peer) {
        long id = LAST.incrementAndGet();
        return new FrontEnd(id, socket + "#" + id, socket, peer.pid(), peer.uid(), peer.gid());
    }

    /** One of which nothing but a name is known. */
    static FrontEnd named(String name) {
        return new FrontEnd(LAST.incrementAndGet(), name, name, 0, -1, -1);
    }
}
