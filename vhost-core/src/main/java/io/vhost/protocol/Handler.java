package io.vhost.protocol;

import io.vhost.queue.ControlException;

/** Carries out one kind of message. */
@FunctionalInterface
interface Handler {
    /**
     * Carries out {@code request}, whose size and number of descriptors match its row.
     *
     * @param request the message; descriptors that the handler does not take are closed afterwards
     * @param reply where the payload of the answer goes, for messages with an answer of their own
     * @throws ControlException if the device refuses
     * @throws ProtocolException if the values make no sense
     */
    void handle(Message request, Message reply) throws ControlException, ProtocolException;
}
