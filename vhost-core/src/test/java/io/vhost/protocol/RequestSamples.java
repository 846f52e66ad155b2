package io.vhost.protocol;

import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/** What the messages look like, written down a second time and in another way than in {@link Request}. */
final class RequestSamples {
    static final Set<Request> IMPLEMENTED = EnumSet.of(
            Request.GET_FEATURES, Request.SET_FEATURES, Request.SET_OWNER, Request.RESET_OWNER,
            Request.SET_MEM_TABLE, Request.SET_VRING_NUM, Request.SET_VRING_ADDR,
            Request.SET_VRING_BASE, Request.GET_VRING_BASE, Request.SET_VRING_KICK,
            Request.SET_VRING_CALL, Request.SET_VRING_ERR, Request.GET_PROTOCOL_FEATURES,
            Request.SET_PROTOCOL_FEATURES, Request.GET_QUEUE_NUM, Request.SET_VRING_ENABLE,
            Request.SET_STATUS, Request.GET_STATUS, Request.SEND_RARP, Request.NET_SET_MTU,
            Request.SET_BACKEND_REQ_FD, Request.RESET_DEVICE, Request.GET_MAX_MEM_SLOTS, Request.ADD_MEM_REG,
            Request.REM_MEM_REG, Request.SET_LOG_BASE, Request.GET_INFLIGHT_FD, Request.SET_INFLIGHT_FD);

    private RequestSamples() {}

    /** Whether {@code size} is right for {@code request}, of the sizes that tests try. */
    static boolean fits(Request request, int size) {
        return switch (request) {
            case CREATE_CRYPTO_SESSION -> true;
            case SET_LOG_FD -> size == 0 || size == 8;
            case GET_CONFIG, SET_CONFIG -> size >= 12 && size <= 268;
            default -> size == payload(request).length;
        };
    }

    /** A payload of the right size, for ring 0, with one region where there are regions. */
    static byte[] payload(Request request) {
        return switch (request) {
            case GET_FEATURES, SET_OWNER, RESET_OWNER, GET_PROTOCOL_FEATURES, GET_QUEUE_NUM, GET_STATUS,
                    SET_BACKEND_REQ_FD, POSTCOPY_ADVISE, POSTCOPY_LISTEN, POSTCOPY_END, GPU_SET_SOCKET,
                    RESET_DEVICE, GET_MAX_MEM_SLOTS, CHECK_DEVICE_STATE, GET_SHMEM_CONFIG,
                    CREATE_CRYPTO_SESSION, SET_LOG_FD -> new byte[0];
            case SET_VRING_ADDR, ADD_MEM_REG, REM_MEM_REG -> new byte[40];
            case SET_MEM_TABLE -> RawPeer.bytes(1, 0, 0x10000L, 4096L, 0x20000L, 0L);
            case SET_LOG_BASE, GET_SHARED_OBJECT -> new byte[16];
            case IOTLB_MSG -> new byte[32];
            case GET_CONFIG, SET_CONFIG -> new byte[12];
            case GET_INFLIGHT_FD, SET_INFLIGHT_FD -> new byte[24];
            default -> new byte[8];
        };
    }

    /** How many descriptors may come with {@link #payload}. */
    static List<Integer> descriptors(Request request) {
        return switch (request) {
            case SET_MEM_TABLE, SET_VRING_KICK, SET_VRING_CALL, SET_VRING_ERR, SET_BACKEND_REQ_FD,
                    SET_INFLIGHT_FD, GPU_SET_SOCKET, ADD_MEM_REG, SET_DEVICE_STATE_FD -> List.of(1);
            case SET_LOG_BASE, SET_LOG_FD, REM_MEM_REG -> List.of(0, 1);
            default -> List.of(0);
        };
    }
}
