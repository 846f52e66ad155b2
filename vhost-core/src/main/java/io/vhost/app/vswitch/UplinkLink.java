package io.vhost.app.vswitch;

import io.vhost.driver.DriverPort;
import io.vhost.net.NetHeader;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;

/**
 * Somebody's back-end, of which this is the driver. Packets are copied between the switch's memory and that
 * which the back-end can reach. What the back-end does not take uncut is cut here; checksums that it does not
 * compute are computed by the driver.
 */
final class UplinkLink implements Link {
    private static final int BURST = LearningSwitch.BURST;
    private static final int PAIR = 0;
    private static final int RECEIVED_FLAGS = NetHeader.NEEDS_CHECKSUM | NetHeader.DATA_VALID;

    private final DriverPort port;
    private final Cutter cutter = new Cutter();
    private final Packet[] burst = new Packet[BURST];
    private final Cutter.Sink backEnd = new BackEnd();

    UplinkLink(DriverPort port) {
        this.port = port;
    }

    @Override
    public int receive(PacketPool pool, Packet[] packets, int offset, int count) {
        int taken = pool.take(packets, offset, Math.min(count, BURST));
        int received = port.receiveBurst(PAIR, burst, 0, taken);
        for (int i = 0; i < received; i++) {
            copy(burst[i], packets[offset + i], RECEIVED_FLAGS);
        }
        port.pool().release(burst, 0, received);
        pool.release(packets, offset + received, taken - received);
        return received;
    }

    /** Copies a packet, with those flags of its header that may go on. */
    private static void copy(Packet from, Packet to, int flags) {
        to.copyFrom(from);
        long word = to.offload() & (~0xFFL | flags);
        if (word != to.offload()) {
            to.offload(word, (word & NetHeader.NEEDS_CHECKSUM) == 0 ? 0 : to.checksumOffset());
        }
    }

    @Override
    public int send(Packet[] packets, int offset, int count) {
        return cutter.send(backEnd, packets, offset, count);
    }

    /** The back-end as the receiver of packets. */
    private final class BackEnd implements Cutter.Sink {
        @Override
        public boolean accepts(Packet packet) {
            return port.accepts(packet);
        }

        @Override
        public int send(Packet[] packets, int offset, int count) {
            int done = 0;
            int sent = BURST;
            while (done < count && sent == BURST) {
                sent = sendChunk(packets, offset + done, Math.min(BURST, count - done));
                done += sent;
            }
            return done;
        }
    }

    private int sendChunk(Packet[] packets, int offset, int count) {
        int taken = port.pool().take(burst, 0, count);
        if (taken < count) {
            port.reclaim(PAIR);
            taken += port.pool().take(burst, taken, count - taken);
        }
        for (int i = 0; i < taken; i++) {
            copy(packets[offset + i], burst[i], NetHeader.NEEDS_CHECKSUM);
        }
        int sent = port.transmitBurst(PAIR, burst, 0, taken);
        port.pool().release(burst, sent, taken - sent);
        if (sent > 0) {
            packets[offset].pool().release(packets, offset, sent);
        }
        return sent;
    }
}
