package io.vhost.protocol;

import io.vhost.control.DeviceControl;
import io.vhost.device.Feature;
import io.vhost.device.ProtocolFeature;
import io.vhost.queue.ControlException;
import java.util.Map;

/** Messages about the device as a whole: features, owner, number of queues, status. */
final class FeatureRequests {
    private final DeviceControl device;
    private long negotiated;

    FeatureRequests(DeviceControl device) {
        this.device = device;
    }

    void register(Map<Request, Handler> handlers) {
        handlers.put(Request.GET_FEATURES, (_, reply) -> reply.put64(device.features()));
        handlers.put(Request.SET_FEATURES, (request, _) -> accept(request.u64(0)));
        // The socket has one peer from beginning to end, so there is nothing to own.
        handlers.put(Request.SET_OWNER, (_, _) -> {});
        handlers.put(Request.RESET_OWNER, (_, _) -> device.resetOwner());
        handlers.put(Request.RESET_DEVICE, (_, _) -> device.resetDevice());
        handlers.put(Request.NET_SET_MTU, (request, _) -> device.mtu(request.u64(0)));
        handlers.put(Request.SEND_RARP, (request, _) -> device.announce(request.u64(0)));
        handlers.put(Request.SET_BACKEND_REQ_FD,
                (request, _) -> device.backendChannel(request.takeDescriptor()));
        handlers.put(Request.GET_PROTOCOL_FEATURES,
                (_, reply) -> reply.put64(device.offeredProtocolFeatures()));
        handlers.put(Request.SET_PROTOCOL_FEATURES, (request, _) -> negotiate(request.u64(0)));
        // Network devices count pairs here, although the specification says queues.
        handlers.put(Request.GET_QUEUE_NUM, (_, reply) -> reply.put64(device.queueCount() / 2));
        handlers.put(Request.SET_STATUS, (request, _) -> device.status(request.u64(0)));
        handlers.put(Request.GET_STATUS, (_, reply) -> reply.put64(device.status()));
    }

    /** The protocol features of both ends. */
    long negotiated() {
        return negotiated;
    }

    /** Without its file a log would stay empty, and the migration would leave behind what we write. */
    private void accept(long chosen) throws ControlException, ProtocolException {
        if (Feature.VHOST_F_LOG_ALL.in(chosen) && !ProtocolFeature.LOG_SHMFD.in(negotiated)) {
            throw new ProtocolException(
                    "VHOST_F_LOG_ALL asks for a log of written pages, which needs protocol feature"
                            + " LOG_SHMFD, negotiated=0x" + Long.toHexString(negotiated));
        }
        device.features(chosen);
    }

    /** Bits without a name here mean nothing to us, whatever a newer front-end means by them. */
    private void negotiate(long features) throws ProtocolException {
        long offered = device.offeredProtocolFeatures();
        long nameless = features & ~ProtocolFeature.mask(ProtocolFeature.values());
        long known = features & ~nameless;
        long unknown = known & ~offered;
        if (unknown != 0) {
            throw new ProtocolException("protocol features=0x" + Long.toHexString(features) + " contain 0x"
                    + Long.toHexString(unknown) + ", which were not offered, offered=0x"
                    + Long.toHexString(offered));
        }
        if (nameless != 0) {
            device.record().error("protocol features 0x" + Long.toHexString(nameless)
                    + " are not known here and left out");
        }
        negotiated = known;
        device.protocolFeatures(known);
    }
}
