/**
 * The command line program {@code vhost}. Not an interface for others: the package is not exported.
 *
 * <p>{@link io.vhost.app.Main} has one class for each command, named {@code XCommand}: options,
 * checks and output of that command. What a command does is in plain classes beside it:
 *
 * <ul>
 *   <li>{@code demo}: {@code Demo} puts a {@code LearningSwitch} between two {@code Guest}s, each
 *       behind a {@code Link}. A {@code TrafficSource} makes packets, a {@code TrafficSink} checks
 *       them, both by the same {@code TestPattern}.
 *   <li>{@code forward}: {@code Forwarder} keeps a {@code ForwardStream} for each queue that is
 *       polled; a {@code ForwardPort} is one socket with whoever is connected to it.
 *   <li>{@code top}: asks a monitor once a second, and makes a {@code TopTable} of two answers.
 *   <li>{@code switch}: {@code Switch} puts a {@code LearningSwitch} between {@code SwitchSocket}s
 *       and perhaps a {@code TapLink}, and waits for kicks when there is nothing to do.
 * </ul>
 *
 * <h2>Threads</h2>
 *
 * <p>The main thread shows progress and waits. {@code PollingThread}s move packets, each with an
 * {@code Idle} strategy. The threads of {@link io.vhost.server} tell of devices that come and go,
 * and hand them over as arrays that are replaced, never changed: a polling thread takes no lock of
 * this package. {@code EndSignal} turns Ctrl-C and SIGTERM into an orderly end.
 *
 * <h2>Exit status</h2>
 *
 * <p>0: done, and nothing was wrong. 1: something failed, in one line on standard error. 2: a
 * command line that is not understood, with the usage text.
 */
package io.vhost.app;
