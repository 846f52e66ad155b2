package io.vhost.os;

/**
 * Who is at the other end of a Unix socket, as the kernel recorded it when the connection was made.
 *
 * @param pid process
 * @param uid effective user
 * @param gid effective group
 */
public record PeerCredentials(int pid, int uid, int gid) {}
