package io.vhost.bpf.helper;

import static io.vhost.bpf.helper.Argument.ANYTHING;
import static io.vhost.bpf.helper.Argument.CONSTANT_SIZE;
import static io.vhost.bpf.helper.Argument.CONTEXT;
import static io.vhost.bpf.helper.Argument.MAP;
import static io.vhost.bpf.helper.Argument.MEMORY;
import static io.vhost.bpf.helper.Argument.RECORD;
import static io.vhost.bpf.helper.Argument.SIZE_OR_ZERO;

import io.vhost.bpf.map.BpfTable;
import io.vhost.bpf.map.RingBuffer;
import io.vhost.bpf.map.SlotTable;
import io.vhost.bpf.mem.Address;
import io.vhost.bpf.run.Cpu;
import io.vhost.bpf.run.Fault;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** bpf_ringbuf_* and bpf_perf_event_output. */
final class RingHelpers {
    private static final int EINVAL = -22;
    private static final int ENOENT = -2;
    private static final int E2BIG = -7;
    private static final int ENOSPC = -28;
    private static final long CURRENT_CPU = 0xFFFFFFFFL;

    private RingHelpers() {
    }

    static HelperPrototype[] all() {
        return new HelperPrototype[] {
            new HelperPrototype(25, "bpf_perf_event_output", false, Returns.NUMBER,
                    List.of(CONTEXT, MAP, ANYTHING, MEMORY, SIZE_OR_ZERO), RingHelpers::event),
            new HelperPrototype(130, "bpf_ringbuf_output", false, Returns.NUMBER,
                    List.of(MAP, MEMORY, SIZE_OR_ZERO, ANYTHING), (cpu, map, data, size, flags, _) ->
                    output(cpu, map, data, size, flags)),
            new HelperPrototype(131, "bpf_ringbuf_reserve", false, Returns.RECORD_OR_NULL,
                    List.of(MAP, CONSTANT_SIZE, ANYTHING), (cpu, map, size, flags, _, _) ->
                    reserve(cpu, map, size, flags)),
            new HelperPrototype(132, "bpf_ringbuf_submit", false, Returns.NOTHING,
                    List.of(RECORD, ANYTHING), (cpu, record, _, _, _, _) -> submit(cpu, record, false)),
            new HelperPrototype(133, "bpf_ringbuf_discard", false, Returns.NOTHING,
                    List.of(RECORD, ANYTHING), (cpu, record, _, _, _, _) -> submit(cpu, record, true)),
            new HelperPrototype(134, "bpf_ringbuf_query", false, Returns.NUMBER, List.of(MAP, ANYTHING),
                    (cpu, map, what, _, _, _) -> ring(cpu, map).query(what))};
    }

    private static RingBuffer ring(Cpu cpu, long map) {
        if (cpu.map(map) instanceof RingBuffer ring) {
            return ring;
        }
        throw Fault.helperArgument();
    }

    private static long output(Cpu cpu, long map, long data, long size, long flags) {
        RingBuffer ring = ring(cpu, map);
        return (flags & ~3) != 0 ? EINVAL
                : ring.output(cpu.memory().segment(data), Address.offset(data), size);
    }

    private static long reserve(Cpu cpu, long map, long size, long flags) {
        RingBuffer ring = ring(cpu, map);
        long record = flags != 0 ? BpfTable.ABSENT : ring.reserve(size);
        if (record == BpfTable.ABSENT) {
            return 0;
        }
        long address = BpfTable.address(Address.map(map), record);
        cpu.obligations().reserved(ring, record, address);
        return address;
    }

    private static long submit(Cpu cpu, long record, boolean discard) {
        if (!cpu.obligations().submit(record, discard)) {
            throw Fault.helperArgument();
        }
        return 0;
    }

    /** Of the packet come as many bytes as the upper half of the flags says. */
    private static long event(Cpu cpu, long context, long map, long flags, long data, long size) {
        if (!(cpu.map(map) instanceof SlotTable slots)) {
            throw Fault.helperArgument();
        }
        long index = flags & CURRENT_CPU;
        long packet = flags >>> 32;
        if (index != CURRENT_CPU && index >= slots.places()) {
            return E2BIG;
        }
        if (packet > cpu.packet().length() || size < 0) {
            return EINVAL;
        }
        if (!(slots.get(index == CURRENT_CPU ? cpu.number() : index) instanceof RingBuffer ring)) {
            return ENOENT;
        }
        MemorySegment from = cpu.memory().segment(data);
        long record = ring.reserve(size + packet);
        if (record == BpfTable.ABSENT) {
            return ENOSPC;
        }
        boolean copied = false;
        try {
            MemorySegment.copy(from, Address.offset(data), ring.values(), record, size);
            MemorySegment.copy(cpu.memory().packet(), cpu.packet().data(), ring.values(), record + size,
                    packet);
            copied = true;
        } finally {
            ring.submit(record, !copied);
        }
        return 0;
    }
}
