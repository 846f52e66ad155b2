package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.memory.DirtyLog;
import io.vhost.net.NetHeader;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.os.MemFd;
import io.vhost.queue.ControlException;
import io.vhost.ring.DriverRing;
import io.vhost.state.RingViolation;
import java.lang.foreign.ValueLayout;
import java.util.EnumSet;
import java.util.Random;
import java.util.Set;

/**
 * A guest with verified traffic in both directions, in whose rings bytes change now and then. All decisions
 * come from the seed, in one thread.
 *
 * <p>While the rings are whole, every packet arrives unchanged and in order, and no queue is fenced. Once a
 * byte has changed the guest's data may be anything, but a queue that stops names its violation and counts it
 * once, packets are what they say, and a restart by the front-end makes all well again.
 */
final class RingCorruption implements AutoCloseable {
    private static final int RING = 16;
    private static final int BURST = 40;
    private static final int BUFFER = 2048;
    /**
     * Bytes of a dirty log for all of the guest's memory: what is written is logged too, as in a migration.
     */
    private static final long LOG = (TestGuest.GUEST + TestGuest.SIZE) / DirtyLog.PAGE / Byte.SIZE;

    private final Random random;
    private final TestGuest guest;
    private final PacketPool pool = PacketPool.create(BURST, PacketPool.DEFAULT_HEADROOM + 1600);
    private final Packet[] packets = new Packet[BURST];
    private final boolean mergeable;
    private final Set<RingViolation> violations = EnumSet.noneOf(RingViolation.class);
    private TortureReceiver receiver;
    private TortureSender sender;
    private boolean whole;
    private long sequence;
    private long lastReceived;
    private long verified;
    private long fences;

    RingCorruption(long features, long seed) throws ControlException {
        random = new Random(seed);
        mergeable = Feature.VIRTIO_NET_F_MRG_RXBUF.in(features);
        guest = new TestGuest(features, RING, 1);
        guest.start();
        guest.control.memory().dirtyLog(MemFd.create("log", LOG), 0, LOG);
        guest.listener.action = call -> guest.listener.calls.clear();
        begin();
    }

    private void begin() {
        receiver = new TortureReceiver(guest, random, mergeable);
        sender = new TortureSender(guest, random);
        lastReceived = -1;
        whole = true;
    }

    /** One burst in each direction, perhaps after some damage. */
    void round() throws ControlException {
        if (whole) {
            receiver.offer();
            sender.send();
        } else {
            offerAnything();
        }
        if (random.nextInt(8) == 0) {
            whole = false;
            damage();
        }
        dequeue();
        enqueue();
        for (TestQueue queue : guest.queues) {
            checkFence(queue);
        }
        if (whole) {
            long before = receiver.packets();
            receiver.poll();
            sender.poll();
            verified += receiver.packets() - before;
            assertNull(guest.toGuest().ring.violation());
            assertNull(guest.fromGuest().ring.violation());
        } else {
            pollAnything();
            if (random.nextInt(16) == 0 || !isRunning()) {
                restart();
            }
        }
    }

    /** The front-end stops both rings and starts them anew. */
    void restart() throws ControlException {
        for (TestQueue queue : guest.queues) {
            int index = queue.queue.index();
            guest.control.stopRing(index);
            queue.newRing();
            guest.control.ringBase(index, queue.format.start());
            guest.control.kick(index, null);
            assertTrue(queue.queue.isRunning());
        }
        begin();
    }

    private boolean isRunning() {
        return guest.device.queue(0).isRunning() && guest.device.queue(1).isRunning();
    }

    private void offerAnything() {
        for (TestQueue queue : guest.queues) {
            boolean deviceWrites = queue == guest.toGuest();
            for (int i = random.nextInt(4); i > 0; i--) {
                long at = TestGuest.GUEST + TestGuest.BUFFERS + (long) BUFFER * random.nextInt(100);
                queue.ring.offer(i, at, 13 + random.nextInt(BUFFER - 13), deviceWrites);
            }
            queue.ring.publish();
            if (random.nextInt(4) == 0) {
                queue.ring.enableInterrupts();
            }
            queue.ring.needsKick();
        }
    }

    private void damage() {
        for (int i = 1 + random.nextInt(4); i > 0; i--) {
            TestQueue queue = guest.queues.get(random.nextInt(2));
            long at = switch (random.nextInt(4)) {
                case 0 -> queue.addresses.avail() + random.nextInt((int) queue.format.driverBytes(RING));
                case 1 -> queue.addresses.used() + random.nextInt((int) queue.format.deviceBytes(RING));
                case 2 -> TestGuest.BUFFERS + (long) BUFFER * random.nextInt(256) + random.nextInt(12);
                default -> queue.addresses.desc() + random.nextInt((int) queue.format.descBytes(RING));
            };
            byte old = guest.memory.get(ValueLayout.JAVA_BYTE, at);
            byte changed = switch (random.nextInt(3)) {
                case 0 -> (byte) (old ^ 1 << random.nextInt(Byte.SIZE));
                case 1 -> (byte) (old + 1);
                default -> (byte) random.nextInt();
            };
            guest.memory.set(ValueLayout.JAVA_BYTE, at, changed);
        }
    }

    private void dequeue() {
        int count = guest.fromGuest().queue.dequeueBurst(pool, packets, 0, 1 + random.nextInt(BURST));
        for (int i = 0; i < count; i++) {
            Packet packet = packets[i];
            assertTrue(packet.length() > 0 && packet.length() <= packet.capacity());
            assertTrue(NetHeader.isPlausible(packet.offload(), packet.checksumOffset(), packet.length()));
            if (whole) {
                long number = TorturePattern.check(packet);
                assertEquals(lastReceived + 1, number);
                lastReceived = number;
                verified++;
            }
        }
        pool.release(packets, 0, count);
        assertEquals(0, pool.outstanding());
    }

    private void enqueue() {
        int count = pool.take(packets, 0, 1 + random.nextInt(BURST));
        for (int i = 0; i < count; i++) {
            TorturePattern.fill(packets[i], sequence + i, 12 + random.nextInt(1400));
        }
        int sent = guest.toGuest().queue.enqueueBurst(packets, 0, count);
        sequence += sent;
        pool.release(packets, 0, count);
    }

    /** A queue that stopped says why, once, and to the front-end too; one that is whole has not stopped. */
    private void checkFence(TestQueue queue) {
        RingViolation violation = queue.queue.violation();
        assertEquals(violation == null, queue.queue.isRunning());
        if (violation != null) {
            assertFalse(whole, () -> "fenced without damage: " + violation);
            assertNotEquals(RingViolation.MEMORY_LOST, violation);
            assertEquals(1, queue.error.drain());
            violations.add(violation);
            fences++;
        }
        long counted = 0;
        for (RingViolation any : RingViolation.values()) {
            counted += queue.queue.counters().get(any);
        }
        assertTrue(counted <= fences && (violation == null || queue.queue.counters().get(violation) > 0));
    }

    /** The driver end meets damage too: it stops, and does not throw. */
    private void pollAnything() {
        for (TestQueue queue : guest.queues) {
            DriverRing ring = queue.ring;
            for (int i = 0; i < RING && ring.poll() >= 0; i++) {
                assertTrue(ring.usedLength() >= 0);
            }
            if (ring.violation() != null) {
                assertNotNull(ring.violation().text());
            }
        }
    }

    TestGuest guest() {
        return guest;
    }

    int outstanding() {
        return pool.outstanding();
    }

    long verified() {
        return verified;
    }

    long fences() {
        return fences;
    }

    Set<RingViolation> violations() {
        return violations;
    }

    /** What was seen, for the reader of a failure. */
    String summary() {
        return "%d packets verified, %d fences: %s".formatted(verified, fences, violations);
    }

    @Override
    public void close() {
        guest.close();
        pool.close();
    }
}
