/**
 * Ports that a running command can be given and can lose: what its monitor and its configuration file change.
 */
package io.vhost.app.ports;
