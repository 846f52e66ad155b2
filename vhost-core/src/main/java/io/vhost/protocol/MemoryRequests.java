package io.vhost.protocol;

import io.vhost.control.DeviceMemory;
import io.vhost.queue.ControlException;
import io.vhost.state.MemoryRegion;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Messages about guest memory. */
final class MemoryRequests {
    private static final int TABLE_HEADER = 8;
    private static final int REGION = 32;
    private static final int REGION_HEADER = 8;
    private static final int LOG_SIZE = 16;

    private final DeviceMemory memory;

    MemoryRequests(DeviceMemory memory) {
        this.memory = memory;
    }

    void register(Map<Request, Handler> handlers) {
        handlers.put(Request.SET_MEM_TABLE, (request, _) -> table(request));
        handlers.put(Request.GET_MAX_MEM_SLOTS, (_, reply) -> reply.put64(memory.slots()));
        handlers.put(Request.ADD_MEM_REG, (request, _) ->
                memory.add(region(request, REGION_HEADER), request.takeDescriptor()));
        handlers.put(Request.REM_MEM_REG, (request, _) -> memory.remove(region(request, REGION_HEADER)));
        handlers.put(Request.SET_LOG_BASE, this::log);
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
        memory.replace(regions, request.takeDescriptors());
    }

    private void log(Message request, Message reply) throws ControlException, ProtocolException {
        if (request.size() != LOG_SIZE || request.descriptorCount() != 1) {
            throw new ProtocolException("size=" + request.size()
                    + " and descriptors=" + request.descriptorCount()
                    + ", must be " + LOG_SIZE + " and 1 for a log in shared memory");
        }
        long size = request.u64(0);
        long offset = request.u64(8);
        memory.dirtyLog(request.takeDescriptor(), offset, size);
        reply.put64(0);
    }

    private static MemoryRegion region(Message request, int at) {
        long guestAddress = request.u64(at);
        long size = request.u64(at + 8);
        long userAddress = request.u64(at + 16);
        long fileOffset = request.u64(at + 24);
        return new MemoryRegion(guestAddress, userAddress, size, fileOffset);
    }
}
