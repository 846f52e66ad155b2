package io.vhost.protocol;

import io.vhost.device.ControlException;
import io.vhost.device.DeviceControl;
import io.vhost.memory.MemoryRegion;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Messages about guest memory. */
final class MemoryRequests {
    private static final int TABLE_HEADER = 8;
    private static final int REGION = 32;

    private final DeviceControl device;

    MemoryRequests(DeviceControl device) {
        this.device = device;
    }

    void register(Map<Request, Handler> handlers) {
        handlers.put(Request.SET_MEM_TABLE, (request, _) -> table(request));
    }

    private void table(Message request) throws ControlException, ProtocolException {
        int count = request.u32(0);
        if (count != (request.size() - TABLE_HEADER) / REGION) {
            throw new ProtocolException("size=" + request.size() + " does not fit regions="
                    + Integer.toUnsignedString(count) + ", which take " + REGION + " bytes each after "
                    + TABLE_HEADER);
        }
        List<MemoryRegion> regions = new ArrayList<>(count);
        for (int at = TABLE_HEADER; at < request.size(); at += REGION) {
            regions.add(region(request, at));
        }
        device.memory(regions, request.takeDescriptors());
    }

    private static MemoryRegion region(Message request, int at) {
        long guestAddress = request.u64(at);
        long size = request.u64(at + 8);
        long userAddress = request.u64(at + 16);
        long fileOffset = request.u64(at + 24);
        return new MemoryRegion(guestAddress, userAddress, size, fileOffset);
    }
}
