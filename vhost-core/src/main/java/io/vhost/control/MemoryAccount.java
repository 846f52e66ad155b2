package io.vhost.control;

import io.vhost.limit.ResourceLimits;
import io.vhost.limit.account.ServerAccount;
import io.vhost.memory.DirtyLog;
import io.vhost.memory.GuestMemory;
import io.vhost.memory.InflightRegion;
import io.vhost.memory.MemoryRules;
import io.vhost.memory.MemoryTableException;
import io.vhost.os.Descriptor;
import io.vhost.queue.ControlException;
import io.vhost.state.MemoryRegion;
import java.util.List;

/**
 * Maps what a front-end shares, as far as the limits allow, and has it in the server's account for as long
 * as it is mapped. The connection's thread.
 */
final class MemoryAccount {
    private final ServerAccount account;
    private final ResourceLimits limits;
    private final MemoryRules rules;

    MemoryAccount(ServerAccount account, ResourceLimits limits, MemoryRules rules) {
        this.account = account;
        this.limits = limits;
        this.rules = rules;
    }

    /** Most regions of a table. */
    int regions() {
        return limits.regions();
    }

    /** Maps a table; the files stay the caller's. */
    GuestMemory map(List<MemoryRegion> regions, List<Descriptor> files) throws ControlException {
        String refusal = account.takeTable(regions.size(), bytes(regions), limits);
        if (refusal != null) {
            throw new ControlException("memory table of %d regions with %s bytes: %s".formatted(
                    regions.size(), Long.toUnsignedString(bytes(regions)), refusal));
        }
        return mapTaken(regions, files);
    }

    /** Maps a table again, without some of its regions: no limit stands in the way of needing less. */
    GuestMemory mapSmaller(List<MemoryRegion> regions, List<Descriptor> files) throws ControlException {
        account.takeSmaller(regions.size(), bytes(regions));
        return mapTaken(regions, files);
    }

    private GuestMemory mapTaken(List<MemoryRegion> regions, List<Descriptor> files) throws ControlException {
        int count = regions.size();
        long bytes = bytes(regions);
        try {
            return GuestMemory.map(regions, files, rules, () -> account.giveMemory(count, bytes));
        } catch (MemoryTableException e) {
            throw new ControlException(e.getMessage(), e);
        }
    }

    /** Maps a dirty log, whose file is taken over. */
    DirtyLog mapLog(Descriptor file, long offset, long size) throws ControlException {
        long bytes = size < 0 ? Long.MAX_VALUE : size;
        String refusal = account.takeMemory(1, bytes, limits);
        if (refusal != null) {
            file.close();
            throw new ControlException("dirty log of size=0x%x: %s".formatted(size, refusal));
        }
        try {
            return DirtyLog.map(file, offset, size, rules, () -> account.giveMemory(1, bytes));
        } catch (MemoryTableException e) {
            throw new ControlException(e.getMessage(), e);
        }
    }

    /** Maps a region for what is in flight; its file stays the caller's. */
    InflightRegion mapInflight(Descriptor file, long offset, long size, int queues, int queueSize)
            throws ControlException {
        String refusal = account.takeMemory(1, size, limits);
        if (refusal != null) {
            throw new ControlException("in-flight region of size=0x%x: %s".formatted(size, refusal));
        }
        try {
            return InflightRegion.map(
                    file, offset, size, queues, queueSize, rules, () -> account.giveMemory(1, size));
        } catch (MemoryTableException e) {
            throw new ControlException(e.getMessage(), e);
        }
    }

    /** All sizes together, which are not checked yet: what no long can hold is as much as one can. */
    private static long bytes(List<MemoryRegion> regions) {
        long sum = 0;
        for (MemoryRegion region : regions) {
            sum += region.size();
            if (region.size() < 0 || sum < 0) {
                return Long.MAX_VALUE;
            }
        }
        return sum;
    }
}
