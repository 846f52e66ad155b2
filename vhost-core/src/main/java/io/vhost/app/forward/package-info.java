/**
 * The command {@code forward}: {@code Forwarder} keeps a {@code ForwardStream} for each queue that is polled;
 * a {@code ForwardPort} is one socket with whoever is connected to it.
 */
package io.vhost.app.forward;
