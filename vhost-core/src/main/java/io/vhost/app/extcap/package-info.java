/** The command {@code extcap}: how Wireshark starts a capture of a running program. */
package io.vhost.app.extcap;
