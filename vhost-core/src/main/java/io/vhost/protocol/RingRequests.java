package io.vhost.protocol;

import io.vhost.control.DeviceControl;
import io.vhost.os.Descriptor;
import io.vhost.queue.ControlException;
import java.util.Map;

/** Messages about one ring: size, place, position, eventfds, start and stop. */
final class RingRequests {
    private static final long INDEX_MASK = 0xFF;

    private final DeviceControl device;

    RingRequests(DeviceControl device) {
        this.device = device;
    }

    void register(Map<Request, Handler> handlers) {
        handlers.put(Request.SET_VRING_NUM, (request, _) -> device.ringSize(ring(request), request.u32(4)));
        handlers.put(Request.SET_VRING_ADDR, (request, _) -> addresses(request));
        handlers.put(Request.SET_VRING_BASE, (request, _) -> device.ringBase(ring(request), request.u32(4)));
        handlers.put(Request.GET_VRING_BASE, this::stop);
        handlers.put(Request.SET_VRING_ENABLE, (request, _) -> enable(request));
        handlers.put(Request.SET_VRING_KICK, (request, _) -> eventfd(request, device::kick));
        handlers.put(Request.SET_VRING_CALL, (request, _) -> eventfd(request, device::call));
        handlers.put(Request.SET_VRING_ERR, (request, _) -> eventfd(request, device::error));
    }

    private void addresses(Message request) throws ControlException {
        int ring = ring(request);
        int flags = request.u32(4);
        long desc = request.u64(8);
        long used = request.u64(16);
        long avail = request.u64(24);
        long log = request.u64(32);
        device.ringAddresses(ring, desc, avail, used, log, flags);
    }

    /** The number beside the index is not set by every front-end: what is there is not looked at. */
    private void stop(Message request, Message reply) throws ControlException {
        int ring = ring(request);
        int base = device.stopRing(ring);
        reply.put32(ring).put32(base);
    }

    private void enable(Message request) throws ControlException, ProtocolException {
        int ring = ring(request);
        int enabled = request.u32(4);
        if (enabled != 0 && enabled != 1) {
            throw new ProtocolException("enable=" + Integer.toUnsignedString(enabled) + " of ring " + ring
                    + ", must be 0 or 1");
        }
        device.enable(ring, enabled == 1);
    }

    /** The index has 8 bits here, and a ring without a descriptor is polled or stays silent. */
    private void eventfd(Message request, EventFdSetter setter) throws ControlException {
        int ring = (int) (request.u64(0) & INDEX_MASK);
        setter.set(ring, request.takeDescriptor());
    }

    /** All 32 bits: an index that is cut to 16 bits would pass as another ring. The device checks it. */
    private static int ring(Message request) {
        return request.u32(0);
    }

    /** Gives a ring its descriptor for one purpose; takes the descriptor over, null for none. */
    @FunctionalInterface
    private interface EventFdSetter {
        void set(int ring, Descriptor descriptor) throws ControlException;
    }
}
