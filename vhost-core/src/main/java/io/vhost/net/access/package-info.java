/**
 * The way to what packets have for queues only. Not exported.
 */
package io.vhost.net.access;
