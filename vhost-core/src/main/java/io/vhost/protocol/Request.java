package io.vhost.protocol;

import static io.vhost.protocol.Request.Reply.ACK;
import static io.vhost.protocol.Request.Reply.OWN;

import io.vhost.device.ProtocolFeature;

/**
 * The messages of a front-end: number, payload, descriptors, reply, and the protocol feature without which
 * the message is an error.
 *
 * <p>Rows without a handler in {@link BackendSession} are refused by name.
 */
enum Request {
    GET_FEATURES(1, Payload.NONE, DescriptorRule.NONE, OWN),
    SET_FEATURES(2, Payload.U64, DescriptorRule.NONE, ACK),
    SET_OWNER(3, Payload.NONE, DescriptorRule.NONE, ACK),
    RESET_OWNER(4, Payload.NONE, DescriptorRule.NONE, ACK),
    SET_MEM_TABLE(5, Payload.MEMORY_TABLE, DescriptorRule.ONE_PER_REGION, ACK),
    /** Front-ends wait for an answer to this one unasked, and take any payload. */
    SET_LOG_BASE(6, Payload.LOG, DescriptorRule.AT_MOST_ONE, OWN, ProtocolFeature.LOG_SHMFD),
    SET_LOG_FD(7, Payload.LOG_DESCRIPTOR, DescriptorRule.AT_MOST_ONE, ACK),
    SET_VRING_NUM(8, Payload.RING_STATE, DescriptorRule.NONE, ACK),
    SET_VRING_ADDR(9, Payload.RING_ADDRESSES, DescriptorRule.NONE, ACK),
    SET_VRING_BASE(10, Payload.RING_STATE, DescriptorRule.NONE, ACK),
    GET_VRING_BASE(11, Payload.RING_STATE, DescriptorRule.NONE, OWN),
    SET_VRING_KICK(12, Payload.U64, DescriptorRule.UNLESS_NOFD, ACK),
    SET_VRING_CALL(13, Payload.U64, DescriptorRule.UNLESS_NOFD, ACK),
    SET_VRING_ERR(14, Payload.U64, DescriptorRule.UNLESS_NOFD, ACK),
    GET_PROTOCOL_FEATURES(15, Payload.NONE, DescriptorRule.NONE, OWN),
    SET_PROTOCOL_FEATURES(16, Payload.U64, DescriptorRule.NONE, ACK),
    GET_QUEUE_NUM(17, Payload.NONE, DescriptorRule.NONE, OWN),
    SET_VRING_ENABLE(18, Payload.RING_STATE, DescriptorRule.NONE, ACK),
    SEND_RARP(19, Payload.U64, DescriptorRule.NONE, ACK, ProtocolFeature.RARP),
    NET_SET_MTU(20, Payload.U64, DescriptorRule.NONE, ACK, ProtocolFeature.MTU),
    SET_BACKEND_REQ_FD(21, Payload.NONE, DescriptorRule.ONE, ACK, ProtocolFeature.BACKEND_REQ),
    IOTLB_MSG(22, Payload.IOTLB, DescriptorRule.NONE, ACK),
    SET_VRING_ENDIAN(23, Payload.RING_STATE, DescriptorRule.NONE, ACK, ProtocolFeature.CROSS_ENDIAN),
    GET_CONFIG(24, Payload.CONFIG, DescriptorRule.NONE, OWN, ProtocolFeature.CONFIG),
    SET_CONFIG(25, Payload.CONFIG, DescriptorRule.NONE, ACK, ProtocolFeature.CONFIG),
    CREATE_CRYPTO_SESSION(26, Payload.FOREIGN, DescriptorRule.NONE, OWN, ProtocolFeature.CRYPTO_SESSION),
    CLOSE_CRYPTO_SESSION(27, Payload.U64, DescriptorRule.NONE, ACK, ProtocolFeature.CRYPTO_SESSION),
    POSTCOPY_ADVISE(28, Payload.NONE, DescriptorRule.NONE, OWN, ProtocolFeature.PAGEFAULT),
    POSTCOPY_LISTEN(29, Payload.NONE, DescriptorRule.NONE, ACK, ProtocolFeature.PAGEFAULT),
    POSTCOPY_END(30, Payload.NONE, DescriptorRule.NONE, OWN, ProtocolFeature.PAGEFAULT),
    GET_INFLIGHT_FD(31, Payload.INFLIGHT, DescriptorRule.NONE, OWN, ProtocolFeature.INFLIGHT_SHMFD),
    SET_INFLIGHT_FD(32, Payload.INFLIGHT, DescriptorRule.ONE, ACK, ProtocolFeature.INFLIGHT_SHMFD),
    GPU_SET_SOCKET(33, Payload.NONE, DescriptorRule.ONE, ACK),
    RESET_DEVICE(34, Payload.NONE, DescriptorRule.NONE, ACK, ProtocolFeature.RESET_DEVICE),
    VRING_KICK(35, Payload.RING_STATE, DescriptorRule.NONE, ACK, ProtocolFeature.INBAND_NOTIFICATIONS),
    GET_MAX_MEM_SLOTS(36, Payload.NONE, DescriptorRule.NONE, OWN, ProtocolFeature.CONFIGURE_MEM_SLOTS),
    ADD_MEM_REG(37, Payload.MEMORY_REGION, DescriptorRule.ONE, ACK, ProtocolFeature.CONFIGURE_MEM_SLOTS),
    REM_MEM_REG(38, Payload.MEMORY_REGION, DescriptorRule.AT_MOST_ONE, ACK,
            ProtocolFeature.CONFIGURE_MEM_SLOTS),
    SET_STATUS(39, Payload.U64, DescriptorRule.NONE, ACK, ProtocolFeature.STATUS),
    GET_STATUS(40, Payload.NONE, DescriptorRule.NONE, OWN, ProtocolFeature.STATUS),
    GET_SHARED_OBJECT(41, Payload.UUID, DescriptorRule.NONE, OWN, ProtocolFeature.SHARED_OBJECT),
    SET_DEVICE_STATE_FD(42, Payload.DEVICE_STATE, DescriptorRule.ONE, OWN, ProtocolFeature.DEVICE_STATE),
    CHECK_DEVICE_STATE(43, Payload.NONE, DescriptorRule.NONE, OWN, ProtocolFeature.DEVICE_STATE),
    GET_SHMEM_CONFIG(44, Payload.NONE, DescriptorRule.NONE, OWN);

    /** What goes back to the front-end. */
    enum Reply {
        /** Success or failure, and only when asked for. */
        ACK,
        /** Always an answer of the message's own shape, never an acknowledgement. */
        OWN
    }

    private static final Request[] BY_ID = new Request[45];

    static {
        for (Request request : values()) {
            BY_ID[request.id] = request;
        }
    }

    private final int id;
    private final Payload payload;
    private final DescriptorRule descriptors;
    private final Reply reply;
    private final ProtocolFeature feature;

    Request(int id, Payload payload, DescriptorRule descriptors, Reply reply) {
        this(id, payload, descriptors, reply, null);
    }

    Request(int id, Payload payload, DescriptorRule descriptors, Reply reply, ProtocolFeature feature) {
        this.id = id;
        this.payload = payload;
        this.descriptors = descriptors;
        this.reply = reply;
        this.feature = feature;
    }

    /** The message with this number, or null if no such message is known. */
    static Request of(int id) {
        return id >= 0 && id < BY_ID.length ? BY_ID[id] : null;
    }

    /** The name for a log line, also of a number that is not in the table. */
    static String name(int id) {
        Request request = of(id);
        return request != null ? request.name() : "request " + Integer.toUnsignedString(id);
    }

    /** What a log line says of a message. */
    static String describe(Message message) {
        return "%s flags=0x%x size=%s descriptors=%d".formatted(name(message.id()), message.flags(),
                Integer.toUnsignedString(message.size()), message.descriptorCount());
    }

    int id() {
        return id;
    }

    Reply reply() {
        return reply;
    }

    /** Refuses a message that does not match its row, or that needs a feature not in {@code negotiated}. */
    void check(Message message, long negotiated) throws ProtocolException {
        if (!payload.accepts(message.size())) {
            throw new ProtocolException("size=" + message.size() + ", must be " + payload.sizes());
        }
        descriptors.check(message);
        if (feature != null && !feature.in(negotiated)) {
            throw new ProtocolException("protocol feature " + feature + " is not negotiated, negotiated=0x"
                    + Long.toHexString(negotiated));
        }
    }
}
