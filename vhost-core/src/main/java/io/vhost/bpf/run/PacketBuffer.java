package io.vhost.bpf.run;

import io.vhost.bpf.mem.Bytes;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Room for one packet at a time, with its context, for who has packets in arrays. Packets come with 256 bytes
 * of head room, as the kernel's do, and end with what a page leaves behind them.
 *
 * <p>Thread: that of the {@link Cpu}.
 */
public final class PacketBuffer {
    /** Bytes in front of a packet. */
    public static final int HEAD_ROOM = 256;

    // What is left of a page when the kernel has put its struct skb_shared_info behind the packet.
    private static final int ROOM = 4096 - 320;
    private static final int TAIL_ROOM = 256;
    private static final int ETHERNET = 14;
    private static final int TYPE = 12;
    // Offsets in struct xdp_md and struct __sk_buff.
    private static final int XDP_PORT = 12;
    private static final int XDP_QUEUE = 16;
    private static final int SKB_QUEUE = 12;
    private static final int SKB_PROTOCOL = 16;
    private static final int SKB_INGRESS = 36;
    private static final int SKB_PORT = 40;

    private final Cpu cpu;
    private final ContextLayout layout;
    private final MemorySegment context;
    private MemorySegment room = Arena.ofAuto().allocate(ROOM, 8);

    /** Makes one for programs with this context. */
    public PacketBuffer(Cpu cpu, ContextLayout layout) {
        this.cpu = cpu;
        this.layout = layout;
        context = Arena.ofAuto().allocate(Math.max(1, layout.size()), 8);
    }

    /**
     * Sets what the next run is given.
     *
     * @param port  number of the interface that it came from
     * @param queue number of the queue there
     */
    public void set(byte[] packet, int port, int queue) {
        if (HEAD_ROOM + (long) packet.length > room.byteSize()) {
            room = Arena.ofAuto().allocate(HEAD_ROOM + (long) packet.length + TAIL_ROOM, 8);
        }
        MemorySegment.copy(packet, 0, room, ValueLayout.JAVA_BYTE, HEAD_ROOM, packet.length);
        context.fill((byte) 0);
        if (layout.equals(ContextLayout.SKB)) {
            if (packet.length >= ETHERNET) {
                Bytes.store(context, SKB_PROTOCOL, 4, Bytes.load(room, HEAD_ROOM + TYPE, 2));
            }
            Bytes.store(context, SKB_QUEUE, 4, queue);
            Bytes.store(context, SKB_INGRESS, 4, port);
            Bytes.store(context, SKB_PORT, 4, port);
        } else {
            Bytes.store(context, XDP_PORT, 4, port);
            Bytes.store(context, XDP_QUEUE, 4, queue);
        }
        cpu.memory().context(context);
        cpu.packet().set(room, HEAD_ROOM, HEAD_ROOM + packet.length, layout);
    }

    /** The packet as the last run left it. */
    public byte[] packet() {
        return bytes(cpu.packet().data());
    }

    /** The same with the metadata in front. */
    public byte[] packetWithMetadata() {
        return bytes(cpu.packet().meta());
    }

    private byte[] bytes(int from) {
        return room.asSlice(from, (long) cpu.packet().end() - from).toArray(ValueLayout.JAVA_BYTE);
    }

    /** A word of the context as the last run left it, such as {@code mark}. */
    public int contextWord(int offset) {
        return context.get(ValueLayout.JAVA_INT, offset);
    }
}
