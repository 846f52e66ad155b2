/**
 * The monitor: operators and tools look into a running application over a Unix socket, as they do with QEMU.
 *
 * <p>{@link io.vhost.monitor.MonitorServer} speaks QMP (JSON) or HMP (text) on a path. Everything that
 * belongs to a client, which is parser, queue, output and mode, hangs off its {@code Session}, and goes with
 * it: no byte of one client can reach the next. {@link io.vhost.monitor.MonitoredDevices} knows the devices
 * and turns their callbacks into events. A {@link io.vhost.monitor.Command} is one row of the table that
 * gives schema, argument checks, help and action at once; applications add rows of their own.
 *
 * <h2>Threads</h2>
 *
 * <p>One monitor thread does all input and output of all clients of a server, and owns all sessions: they
 * have no locks. Commands run on threads of a pool, so that one that is stuck holds up its own session only;
 * what it returns goes back through the monitor thread, which drops it if the session has gone. Nothing here
 * runs on a thread that moves packets, and nothing here takes a queue's lock except by a bounded
 * {@code tryLock}.
 *
 * <h2>JSON in Java</h2>
 *
 * <p>An object is a {@code Map<String, Object>}, an array a {@code List<Object>}; strings, booleans and null
 * are themselves. A number is a {@code Long}, a {@code BigInteger} from 2^63 to 2^64-1, or a {@code Double}.
 * Results of commands may hold any {@code Number}.
 */
package io.vhost.monitor;
