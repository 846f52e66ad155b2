/**
 * The monitor: operators and tools look into a running application over a Unix socket, as they do with QEMU.
 *
 * <p>{@link io.vhost.monitor.MonitorServer} speaks QMP (JSON) or HMP (text) on a path. Everything that
 * belongs to a client, which is parser, queue, output and mode, hangs off its {@code Session}, and goes with
 * it: no byte of one client can reach the next. {@link io.vhost.monitor.MonitoredDevices} knows the devices
 * and turns their callbacks into events. A {@link io.vhost.monitor.command.Command} is one row of the table
 * that gives schema, argument checks, help and action at once; applications add rows of their own.
 *
 * <h2>Packages</h2>
 *
 * <p>This package has what an application names, and the server that puts the parts together: loop, sessions,
 * and the commands about the server itself. Applications use it and {@code command}; the others are not
 * exported, and each uses those above it only:
 *
 * <ul>
 *   <li>{@code json}: texts to values and back;
 *   <li>{@code command}: commands, their arguments and types;
 *   <li>{@code event}: what clients are told unasked;
 *   <li>{@code dialogue}: what a language and a session are to each other, and the table of commands;
 *   <li>{@code qmp} and {@code hmp}: the two languages, which know nothing of each other;
 *   <li>{@code device}: devices as the monitor knows them, and the commands that look at them.
 * </ul>
 *
 * <p>What values JSON has in Java is said at {@link io.vhost.monitor.command}.
 *
 * <h2>Threads</h2>
 *
 * <p>One monitor thread does all input and output of all clients of a server, and owns all sessions: they
 * have no locks. Commands run on threads of a pool, so that one that is stuck holds up its own session only;
 * what it returns goes back through the monitor thread, which drops it if the session has gone. Nothing here
 * runs on a thread that moves packets, and nothing here takes a queue's lock except by a bounded
 * {@code tryLock}.
 *
 * <h2>Memory</h2>
 *
 * <p>What clients send is paid for out of one budget of the server until it is answered
 * ({@code json.InputBudget}); what they do not read, and events that come too fast, are bounded, and events
 * beyond that dropped and counted. Where memory ends nevertheless, the client goes at which it did, or the
 * one that holds most, and the others are served.
 *
 * @since 0.1
 */
package io.vhost.monitor;
