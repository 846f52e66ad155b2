/**
 * Events: what clients are told unasked, and how often. For those who see something happen, which are
 * {@code io.vhost.monitor.device} and the server, and for the server, which tells.
 */
package io.vhost.monitor.event;
