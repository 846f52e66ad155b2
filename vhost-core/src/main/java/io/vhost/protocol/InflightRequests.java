package io.vhost.protocol;

import io.vhost.control.DeviceInflight;
import io.vhost.queue.ControlException;
import java.util.Map;

/** Messages about the region that outlives a back-end. */
final class InflightRequests {
    private final DeviceInflight inflight;

    InflightRequests(DeviceInflight inflight) {
        this.inflight = inflight;
    }

    void register(Map<Request, Handler> handlers) {
        handlers.put(Request.GET_INFLIGHT_FD, this::create);
        handlers.put(Request.SET_INFLIGHT_FD, (request, _) -> inflight.use(
                request.takeDescriptor(), request.u64(8), request.u64(0), request.u16(16), request.u16(18)));
    }

    /** The answer is padded as the question is. */
    private void create(Message request, Message reply) throws ControlException {
        int queues = request.u16(16);
        int queueSize = request.u16(18);
        long size = inflight.bytes(queues, queueSize);
        reply.attach(inflight.create(size));
        reply.put64(size).put64(0).put32(queues | queueSize << 16);
        while (reply.size() < request.size()) {
            reply.put32(0);
        }
    }
}
