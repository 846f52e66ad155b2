package io.vhost.bpf.run;

import io.vhost.bpf.mem.Address;
import io.vhost.bpf.mem.AddressSpace;
import io.vhost.bpf.mem.Bytes;
import java.lang.foreign.MemorySegment;
import java.util.Objects;

/**
 * Where a packet is in its room: metadata, data and end as offsets. The context tells programs the same, but
 * what counts is here, where no program can write.
 *
 * <p>Thread: that of the {@link Cpu}.
 */
public final class PacketRoom {
    private final AddressSpace memory;
    private ContextLayout layout = ContextLayout.PLAIN;
    private int meta;
    private int data;
    private int end;

    PacketRoom(AddressSpace memory) {
        this.memory = memory;
    }

    /**
     * Sets the packet, and what the context says of it.
     *
     * @param room    native memory, all of which programs may use
     * @param data    offset of the first byte
     * @param end     offset behind the last byte
     * @param layout  where the context has the addresses
     * @throws IndexOutOfBoundsException if the packet is not inside the room
     */
    public void set(MemorySegment room, int data, int end, ContextLayout layout) {
        Objects.checkFromToIndex(data, end, room.byteSize());
        memory.packet(room);
        this.layout = layout;
        this.end = end;
        if (layout.data() >= 0) {
            tellEnd();
        }
        if (layout.arrived() >= 0) {
            Bytes.INT.set(memory.context(), (long) layout.arrived(), end - data);
        }
        move(data, data, end);
    }

    /** Offset of the metadata. */
    public int meta() {
        return meta;
    }

    /** Offset of the first byte. */
    public int data() {
        return data;
    }

    /** Offset behind the last byte. */
    public int end() {
        return end;
    }

    /** Bytes of the packet. */
    public int length() {
        return end - data;
    }

    /** Bytes of the room. */
    public int capacity() {
        return (int) memory.packet().byteSize();
    }

    /** Moves the packet's ends: the caller has checked that they are in order and in the room. */
    public void move(int newMeta, int newData, int newEnd) {
        boolean sameEnd = newEnd == end;
        meta = newMeta;
        data = newData;
        end = newEnd;
        if (layout.data() >= 0) {
            MemorySegment context = memory.context();
            Bytes.INT.set(context, (long) layout.meta(), (int) Address.PACKET + newMeta);
            Bytes.INT.set(context, (long) layout.data(), (int) Address.PACKET + newData);
            if (!sameEnd) {
                tellEnd();
            }
            if (layout.length() >= 0) {
                Bytes.INT.set(context, (long) layout.length(), newEnd - newData);
            }
        }
    }

    private void tellEnd() {
        Bytes.INT.set(memory.context(), (long) layout.dataEnd(), (int) Address.PACKET + end);
    }
}
