package io.vhost.state;

import java.util.Objects;

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
    /** Checks that there is a name and a socket. */
    public FrontEnd {
        Objects.requireNonNull(name, "name");
        Objects.requireNonNull(socket, "socket");
    }
}
