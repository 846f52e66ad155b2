package io.vhost.device;

import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Who is at the other end of a device's connection.
 *
 * @param id number that no other connection of this process has, or will have
 * @param name for logs: tells it from others on the same socket
 * @param socket path of the socket
 * @param pid its process when it connected, as this process's PID namespace numbers it; 0 where it cannot be
 *     known
 * @param uid its effective user when it connected; -1 where it cannot be known
 * @param gid its effective group when it connected; -1 where it cannot be known
 */
public record FrontEnd(long id, String name, String socket, int pid, int uid, int gid) {
    private static final AtomicLong LAST = new AtomicLong();

    /** Checks that there is a name and a socket. */
    public FrontEnd {
        Objects.requireNonNull(name, "name");
        Objects.requireNonNull(socket, "socket");
    }

    /** A front-end that has just connected, with an id of its own and a name made of both. */
    static FrontEnd connected(String socket, int pid, int uid, int gid) {
        long id = LAST.incrementAndGet();
        return new FrontEnd(id, socket + "#" + id, socket, pid, uid, gid);
    }

    /** One of which nothing but a name is known. */
    static FrontEnd named(String name) {
        return new FrontEnd(LAST.incrementAndGet(), name, name, 0, -1, -1);
    }
}
