/**
 * The command line program {@code vhost}. Not an interface for others: no package below this one is exported.
 *
 * <p>{@link io.vhost.app.Main} begins, {@code VhostCommand} puts the commands together. Each is a package,
 * with a class {@code XCommand} for options, checks and output; what the command does is in plain classes
 * beside it. A package uses those further down only:
 *
 * <ul>
 *   <li>{@link io.vhost.app.demo}, {@link io.vhost.app.forward}, {@link io.vhost.app.top},
 *       {@link io.vhost.app.bpf}: commands that know nothing of each other.
 *   <li>{@link io.vhost.app.vswitch}: the command {@code switch}, whose learning switch is the demo's, too.
 *   <li>{@link io.vhost.app.cli}: options of several commands, the end that a user asks for,
 *       and the progress line.
 *   <li>{@link io.vhost.app.service}: configuration files, the service manager that started the program,
 *       man pages.
 *   <li>{@link io.vhost.app.polling}: threads that poll, the devices they poll, and the queues
 *       they give packets to.
 * </ul>
 *
 * <h2>Threads</h2>
 *
 * <p>The main thread shows progress and waits. {@code PollingThread}s move packets, each with an
 * {@code Idle} strategy. The threads of {@link io.vhost.server} tell of devices that come and go,
 * and hand them over as arrays that are replaced, never changed: a polling thread takes no lock of
 * this program. {@code EndSignal} turns Ctrl-C and SIGTERM into an orderly end.
 *
 * <h2>Exit status</h2>
 *
 * <p>0: done, and nothing was wrong. 1: something failed, in one line on standard error. 2: a
 * command line that is not understood, with the command whose help to ask for.
 */
package io.vhost.app;
