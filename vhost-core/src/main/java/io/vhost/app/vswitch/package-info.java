/**
 * The command {@code switch}: {@code Switch} puts a {@code LearningSwitch} between {@code SwitchSocket}s,
 * {@code Uplink}s and perhaps a {@code TapLink}, with a {@code SwitchThread} for each CPU, which
 * waits for kicks when there is nothing to do. A {@code Link} is one thread's way to whatever is behind a
 * {@code SwitchPort}; the thread's packets are with its {@code SwitchWorker}.
 */
package io.vhost.app.vswitch;
