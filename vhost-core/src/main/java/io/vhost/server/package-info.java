/**
 * Sockets for devices: where front-ends connect, and the threads that serve them.
 *
 * <p>{@link io.vhost.server.VhostServer} listens on a path. An accept thread hands each connection to a
 * platform thread of its own, which runs the protocol for one device and makes all callbacks of that device;
 * a callback that blocks holds up its own connection only. All threads are daemons and carry the path in
 * their names.
 *
 * <p>{@link io.vhost.server.VhostClient} is for front-ends that listen themselves: it connects, and again
 * whenever the connection ends.
 *
 * <p>No lock of this package is ever held while a callback runs, so a server may be closed from any callback.
 *
 * @since 0.1
 */
package io.vhost.server;
