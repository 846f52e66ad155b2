package io.vhost.app.vswitch;

import io.vhost.net.NetHeader;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.os.TapDevice;
import java.lang.foreign.MemorySegment;

/** An interface of this machine. The header that precedes each frame lies in the packet's headroom. */
final class TapLink implements Link {
    private static final int KNOWN_FLAGS = NetHeader.NEEDS_CHECKSUM | NetHeader.DATA_VALID;

    private final TapDevice tap;

    TapLink(TapDevice tap) {
        this.tap = tap;
    }

    @Override
    public int receive(PacketPool pool, Packet[] packets, int offset, int count) {
        int taken = pool.take(packets, offset, count);
        int received = 0;
        while (received < taken && read(packets[offset + received])) {
            received++;
        }
        if (received < taken) {
            pool.release(packets, offset + received, taken - received);
        }
        return received;
    }

    private boolean read(Packet packet) {
        MemorySegment memory = packet.segment();
        long header = packet.dataOffset() - TapDevice.HEADER;
        int length = tap.read(memory, header, TapDevice.HEADER + packet.capacity()) - TapDevice.HEADER;
        if (length <= 0) {
            return false;
        }
        packet.reset(length);
        long word = NetHeader.offload(memory, header) & (~0xFFL | KNOWN_FLAGS);
        int checksumOffset = NetHeader.checksumOffset(memory, header);
        if ((word & 0xFFFF) != 0 && NetHeader.isPlausible(word, checksumOffset, length)) {
            packet.offload(word, checksumOffset);
        }
        return true;
    }

    @Override
    public int send(Packet[] packets, int offset, int count) {
        int sent = 0;
        for (int i = offset; i < offset + count; i++) {
            Packet packet = packets[i];
            long header = packet.dataOffset() - TapDevice.HEADER;
            NetHeader.update(
                    packet.segment(), header, TapDevice.HEADER, packet.offload(), packet.checksumOffset(), 0);
            if (tap.write(packet.segment(), header, TapDevice.HEADER + packet.length())) {
                packets[i] = packets[offset + sent];
                packets[offset + sent] = packet;
                sent++;
            }
        }
        if (sent > 0) {
            // The kernel has copies of them.
            packets[offset].pool().release(packets, offset, sent);
        }
        return sent;
    }
}
