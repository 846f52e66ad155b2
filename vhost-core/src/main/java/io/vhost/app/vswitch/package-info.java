/**
 * The command {@code switch}: {@code Switch} puts a {@code LearningSwitch} between {@code SwitchSocket}s,
 * {@code Uplink}s and perhaps a {@code TapLink}, and waits for kicks when there is nothing to do. A
 * {@code Link} is whatever is behind a {@code SwitchPort}.
 */
package io.vhost.app.vswitch;
