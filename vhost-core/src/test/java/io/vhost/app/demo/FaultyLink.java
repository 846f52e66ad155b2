package io.vhost.app.demo;

import io.vhost.app.vswitch.Link;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;

/** A link that does something wrong now and then. */
final class FaultyLink implements Link {
    /** What goes wrong. */
    enum Fault {
        LOSE,
        REFUSE,
        SWAP,
        REPEAT,
        CORRUPT_DATA,
        CORRUPT_ADDRESS,
        CORRUPT_NUMBER,
        CORRUPT_TIME,
        SHORTEN,
        SWALLOW_ALL
    }

    private static final int EVERY = 500;

    private final Link link;
    private final Fault fault;
    private int passed;

    FaultyLink(Link link, Fault fault) {
        this.link = link;
        this.fault = fault;
    }

    @Override
    public int receive(PacketPool pool, Packet[] packets, int offset, int count) {
        int received = link.receive(pool, packets, offset, count);
        if (fault == Fault.SWALLOW_ALL) {
            pool.release(packets, offset, received);
            return 0;
        }
        for (int i = offset; i < offset + received; i++) {
            if (++passed % EVERY == 0) {
                spoil(packets[i]);
                if (fault == Fault.LOSE) {
                    packets[i].release();
                    System.arraycopy(packets, i + 1, packets, i, offset + received - i - 1);
                    return received - 1;
                }
            }
        }
        return received;
    }

    private void spoil(Packet packet) {
        switch (fault) {
            case CORRUPT_DATA ->
                    packet.putByte(packet.length() - 1, packet.byteAt(packet.length() - 1) ^ 0x10);
            case CORRUPT_ADDRESS -> packet.putByte(11, packet.byteAt(11) ^ 0x40);
            case CORRUPT_NUMBER -> packet.putByte(19, packet.byteAt(19) ^ 1);
            case CORRUPT_TIME -> packet.putNetworkLong(24, packet.networkLongAt(24) == 0 ? 1 : 0);
            case SHORTEN -> packet.trimTail(1);
            default -> { }
        }
    }

    @Override
    public int send(Packet[] packets, int offset, int count) {
        if (fault == Fault.SWAP && count > 1 && passed > EVERY) {
            Packet first = packets[offset];
            packets[offset] = packets[offset + 1];
            packets[offset + 1] = first;
        } else if (fault == Fault.REPEAT && passed > EVERY) {
            Packet[] copy = {packets[offset].pool().take()};
            copy[0].copyFrom(packets[offset]);
            if (link.send(copy, 0, 1) == 0) {
                copy[0].release();
            }
        } else if (fault == Fault.REFUSE && count > 1) {
            return link.send(packets, offset, count - 1);
        }
        return link.send(packets, offset, count);
    }
}
