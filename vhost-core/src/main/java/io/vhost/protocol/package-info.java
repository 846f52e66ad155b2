/**
 * The vhost-user protocol: messages over a Unix socket that configure one device.
 *
 * <p>Read top to bottom: {@link io.vhost.protocol.Request} is the message table (number, payload size,
 * descriptors, kind of reply). {@link io.vhost.protocol.MessageCodec} moves a
 * {@link io.vhost.protocol.Message} between the socket and a reusable native buffer.
 * {@link io.vhost.protocol.BackendSession} is the device's end of a connection: it checks each message
 * against its row, hands it to a small handler ({@code FeatureRequests}, {@code MemoryRequests},
 * {@code RingRequests}), and answers. {@link io.vhost.protocol.FrontendSession} is the driver's end. A
 * further message is a row in the table and a handler.
 *
 * <p>Conventions. A session belongs to one thread; only {@link io.vhost.protocol.BackendSession#stop()} may
 * be called from others. Everything on the wire is little endian. Every descriptor that arrives has exactly
 * one owner: the message until a handler takes it, then the device; what no handler took is closed before the
 * next message is read. Nothing that a peer sends throws into the application: it is logged with its values
 * and answered with a failure where the peer asked for an answer, otherwise the connection is closed.
 *
 * <p>Absent on purpose: locks of queues, callbacks and ring state, which belong to {@code io.vhost.device}.
 */
package io.vhost.protocol;
