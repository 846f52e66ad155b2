package io.vhost.device;

import static io.vhost.device.HostileAct.each;
import static io.vhost.device.Outcome.dropped;
import static io.vhost.device.Outcome.fenced;
import static io.vhost.device.Outcome.served;
import static io.vhost.device.RawRing.FRAME;
import static io.vhost.device.RawRing.PAYLOAD;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.net.NetHeader;
import io.vhost.os.EventFd;
import io.vhost.os.HostilePeer;
import io.vhost.os.UnixSocket;
import io.vhost.queue.ControlException;
import io.vhost.state.QueueCounters.Counter;
import io.vhost.state.RingViolation;
import java.util.ArrayList;
import java.util.List;

/** What is wrong around the ring, and in the headers of packets: classes 24 to 28. */
final class HostileSurroundings {
    private HostileSurroundings() {}

    static List<HostileAct> memoryThatGoes() {
        return List.of(
                new HostileAct("all of it", ring -> {
                    ring.good();
                    ring.guest.truncate();
                    return fenced(RingViolation.MEMORY_LOST).atOnce().andRuins();
                }),
                new HostileAct("that of the buffer", ring -> {
                    ring.chain(ring.at(TestGuest.GUEST + TestGuest.BORDER, FRAME));
                    ring.guest.truncate(TestGuest.BORDER);
                    return fenced(RingViolation.MEMORY_LOST).atOnce().andRuins();
                }),
                new HostileAct("by a message", ring -> {
                    ring.chain(ring.at(TestGuest.GUEST + TestGuest.BORDER, FRAME));
                    ring.guest.control.memory().replace(
                            ring.guest.regions().subList(0, 1), List.of(ring.guest.file.duplicate()));
                    return fenced(ring, RingViolation.BUFFER_UNMAPPED).andRuins();
                }));
    }

    static List<HostileAct> misalignedRing() {
        return each("area", List.of(0, 1, 2), area -> ring -> {
            long[] at = {ring.end.addresses.desc(), ring.end.addresses.avail(), ring.end.addresses.used()};
            int[] alignment = {16, ring.isSplit() ? 2 : 4, 4};
            at[area] += alignment[area] / 2;
            long user = TestGuest.USER;
            ControlException refusal = assertThrows(ControlException.class,
                    () -> ring.guest.control.ringAddresses(
                            ring.end.queue.index(), user + at[0], user + at[1], user + at[2], 0, 0));
            assertTrue(refusal.getMessage().contains("is not aligned to"), refusal.getMessage());
            ring.good();
            return served(1);
        });
    }

    static List<HostileAct> headers() {
        List<HostileAct> acts = new ArrayList<>();
        acts.add(header("checksum one byte beyond", 1, 0, 0, PAYLOAD - 1, 0, true));
        acts.add(header("checksum at the end", 1, 0, 0, PAYLOAD - 2, 0, false));
        acts.add(header("offset one byte beyond", 1, 0, 0, 34, PAYLOAD - 35, true));
        acts.add(header("offset at the end", 1, 0, 0, 34, PAYLOAD - 36, false));
        acts.add(header("start and offset of 65535", 1, 0, 0, 0xFFFF, 0xFFFF, true));
        acts.add(header("segmentation that was not negotiated", 1, 1, 1448, 34, 16, true));
        acts.add(header("segments of nothing", 1, 1, 0, 34, 16, true));
        acts.add(header("a kind of segmentation that is none", 1, 0x7F, 1448, 34, 16, true));
        acts.add(header("segmentation without a checksum", 0, 1, 1448, 0, 0, true));
        acts.add(header("flags that are none", 0xFE, 0, 0xFFFF, 0xFFFF, 0xFFFF, false));
        return acts;
    }

    /** To the guest the same bytes stand in the buffer, and nothing of them may be left. */
    private static HostileAct header(
            String name, int flags, int type, int size, int start, int offset, boolean bad) {
        return new HostileAct(name, ring -> {
            byte[] header = new byte[RawRing.HEADER];
            long word = NetHeader.offload(flags, type, 0xFFFF, size, start);
            for (int i = 0; i < Long.BYTES; i++) {
                header[i] = (byte) (word >>> (Byte.SIZE * i));
            }
            header[8] = (byte) offset;
            header[9] = (byte) (offset >>> Byte.SIZE);
            header[10] = (byte) 0xFF;
            ring.header = header;
            RawRing.Buffer buffer = ring.buffer(FRAME);
            if (ring.toGuest) {
                ring.guest.put(buffer.address() - TestGuest.GUEST, header);
            }
            ring.chain(buffer);
            return bad && !ring.toGuest ? dropped(ring, Counter.BAD_OFFLOAD) : served(ring);
        });
    }

    static List<HostileAct> kicks() {
        return List.of(
                new HostileAct("closed", ring -> {
                    try (EventFd kick = EventFd.create()) {
                        ring.guest.control.kick(ring.end.queue.index(), kick.descriptor().duplicate());
                    }
                    return waited(ring);
                }),
                new HostileAct("none", ring -> {
                    ring.guest.control.kick(ring.end.queue.index(), null);
                    ring.good();
                    return served(1);
                }),
                new HostileAct("at its limit", ring -> {
                    try (EventFd kick = EventFd.create()) {
                        ring.guest.control.kick(ring.end.queue.index(), kick.descriptor().duplicate());
                        HostilePeer.makeWritersWait(kick);
                    }
                    return waited(ring);
                }));
    }

    /** Whoever sleeps on the queue finds the chain, and is not kept. */
    private static Outcome waited(RawRing ring) {
        ring.good();
        try (QueueWaiter waiter = new QueueWaiter()) {
            assertTrue(waiter.await(0, ring.end.queue));
        }
        return served(1);
    }

    static List<HostileAct> calls() {
        return List.of(
                new HostileAct("a socket", ring -> {
                    UnixSocket[] pair = UnixSocket.pair();
                    try (UnixSocket other = pair[1]) {
                        assertThrows(ControlException.class, () -> ring.guest.control.call(
                                ring.end.queue.index(), pair[0].descriptor()));
                        assertFalse(pair[0].descriptor().isOpen());
                        assertTrue(other.descriptor().isOpen());
                    }
                    ring.good();
                    return served(1);
                }),
                new HostileAct("at its limit", ring -> {
                    ring.end.call.drain();
                    HostilePeer.makeWritersWait(ring.end.call);
                    ring.callIsFull = true;
                    ring.good();
                    return served(1);
                }));
    }
}
