/**
 * Packets between applications and queues: whether one may be handed over, and that it is. Not exported.
 */
package io.vhost.net.custody;
