package io.vhost.bpf.helper;

import static io.vhost.bpf.helper.Argument.ANYTHING;
import static io.vhost.bpf.helper.Argument.CONTEXT;
import static io.vhost.bpf.helper.Argument.MEMORY;
import static io.vhost.bpf.helper.Argument.MEMORY_OUT;
import static io.vhost.bpf.helper.Argument.SIZE;

import io.vhost.bpf.mem.Address;
import io.vhost.bpf.run.Cpu;
import io.vhost.bpf.run.PacketRoom;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** bpf_xdp_adjust_head, _meta, _tail, bpf_xdp_get_buff_len, bpf_xdp_load_bytes, _store_bytes. */
final class XdpHelpers {
    // The kernel keeps its struct xdp_frame there.
    private static final int RESERVED = 40;
    private static final int ETHERNET = 14;
    private static final int MAX_META = 255;
    private static final int MAX_BYTES = 0xFFFF;
    private static final int EINVAL = -22;
    private static final int EACCES = -13;
    private static final int EFAULT = -14;

    private XdpHelpers() {
    }

    static HelperPrototype[] all() {
        return new HelperPrototype[] {
            new HelperPrototype(44, "bpf_xdp_adjust_head", true, Returns.NUMBER, List.of(CONTEXT, ANYTHING),
                    (cpu, _, delta, _, _, _) -> head(cpu, (int) delta)),
            new HelperPrototype(54, "bpf_xdp_adjust_meta", true, Returns.NUMBER, List.of(CONTEXT, ANYTHING),
                    (cpu, _, delta, _, _, _) -> meta(cpu.packet(), (int) delta)),
            new HelperPrototype(65, "bpf_xdp_adjust_tail", true, Returns.NUMBER, List.of(CONTEXT, ANYTHING),
                    (cpu, _, delta, _, _, _) -> tail(cpu, (int) delta)),
            new HelperPrototype(188, "bpf_xdp_get_buff_len", false, Returns.NUMBER, List.of(CONTEXT),
                    (cpu, _, _, _, _, _) -> cpu.packet().length()),
            new HelperPrototype(189, "bpf_xdp_load_bytes", false, Returns.NUMBER,
                    List.of(CONTEXT, ANYTHING, MEMORY_OUT, SIZE), (cpu, _, offset, to, size, _) ->
                    load(cpu, offset & 0xFFFFFFFFL, to, size & 0xFFFFFFFFL)),
            new HelperPrototype(190, "bpf_xdp_store_bytes", false, Returns.NUMBER,
                    List.of(CONTEXT, ANYTHING, MEMORY, SIZE), (cpu, _, offset, from, size, _) ->
                    store(cpu, offset & 0xFFFFFFFFL, from, size & 0xFFFFFFFFL))};
    }

    private static long head(Cpu cpu, int delta) {
        PacketRoom packet = cpu.packet();
        int metaLength = packet.data() - packet.meta();
        long data = packet.data() + (long) delta;
        if (data < RESERVED + metaLength || data > packet.end() - ETHERNET) {
            return EINVAL;
        }
        int meta = (int) data - metaLength;
        if (metaLength > 0) {
            MemorySegment room = cpu.memory().packet();
            MemorySegment.copy(room, packet.meta(), room, meta, metaLength);
        }
        packet.move(meta, (int) data, packet.end());
        return 0;
    }

    private static long meta(PacketRoom packet, int delta) {
        long meta = packet.meta() + (long) delta;
        if (meta < RESERVED || meta > packet.data()) {
            return EINVAL;
        }
        long length = packet.data() - meta;
        if ((length & 3) != 0 || length > MAX_META) {
            return EACCES;
        }
        packet.move((int) meta, packet.data(), packet.end());
        return 0;
    }

    private static long tail(Cpu cpu, int delta) {
        PacketRoom packet = cpu.packet();
        long end = packet.end() + (long) delta;
        if (end > packet.capacity() || end < packet.data() + ETHERNET) {
            return EINVAL;
        }
        if (delta > 0) {
            cpu.memory().packet().asSlice(packet.end(), delta).fill((byte) 0);
        }
        packet.move(packet.meta(), packet.data(), (int) end);
        return 0;
    }

    static long load(Cpu cpu, long offset, long to, long size) {
        PacketRoom packet = cpu.packet();
        if (offset > MAX_BYTES || size > MAX_BYTES) {
            return EFAULT;
        }
        if (offset + size > packet.length()) {
            return EINVAL;
        }
        MemorySegment.copy(cpu.memory().packet(), packet.data() + offset, cpu.memory().segment(to),
                Address.offset(to), size);
        return 0;
    }

    static long store(Cpu cpu, long offset, long from, long size) {
        PacketRoom packet = cpu.packet();
        if (offset > MAX_BYTES || size > MAX_BYTES) {
            return EFAULT;
        }
        if (offset + size > packet.length()) {
            return EINVAL;
        }
        MemorySegment.copy(cpu.memory().segment(from), Address.offset(from), cpu.memory().packet(),
                packet.data() + offset, size);
        return 0;
    }
}
