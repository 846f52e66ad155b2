package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.vhost.dma.DmaChannel;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import java.util.function.IntUnaryOperator;

/**
 * Packets whose bytes tell their number, on their way through one queue: what the application does with them,
 * and what the guest finds in its ring. Any that is missing, changed or overtaken is an assertion that fails.
 */
final class NumberedPackets {
    static final int HEADER = 12;
    /** Bytes that the guest has for each. */
    static final int AREA = 2048;
    /** After so many the guest uses its memory again. */
    static final int AREAS = 64;

    private final TestGuest guest;
    private final boolean toGuest;
    private final PacketPool pool;
    private final DmaChannel channel;
    private final IntUnaryOperator length;
    private final Packet[] packets = new Packet[64];
    private TestQueue end;
    private int moved;
    private int collected;

    /**
     * Packets through a queue.
     *
     * @param pool of the application
     * @param channel what copies; null: bursts do
     * @param length of the packet with a number
     */
    NumberedPackets(TestGuest guest, TestQueue end, PacketPool pool, DmaChannel channel,
            IntUnaryOperator length) {
        this.guest = guest;
        this.end = end;
        this.toGuest = end.queue.isToGuest();
        this.pool = pool;
        this.channel = channel;
        this.length = length;
    }

    /** The guest has another ring on the same queue. */
    void goOnIn(TestQueue next) {
        end = next;
    }

    /** How many the application has sent or received. */
    int moved() {
        return moved;
    }

    /** How many chains the guest has back. */
    int collected() {
        return collected;
    }

    int length(int number) {
        return length.applyAsInt(number);
    }

    byte[] payload(int number) {
        return TestGuest.pattern(length(number), number);
    }

    /** What the guest sends, header included. */
    byte[] frame(int number) {
        return TestGuest.join(new byte[HEADER], payload(number));
    }

    static long area(int number) {
        return TestGuest.BUFFERS + (long) (number % AREAS) * AREA;
    }

    /** One burst of the next packets; how many went. Copies may be under way then. */
    int move(int most) {
        return toGuest ? send(most) : receive(most);
    }

    private int send(int most) {
        int taken = pool.take(packets, 0, most);
        for (int i = 0; i < taken; i++) {
            packets[i].copyFrom(payload(moved + i), 0, length(moved + i));
        }
        int sent = channel == null
                ? end.queue.enqueueBurst(packets, 0, taken)
                : end.queue.submitEnqueueBurst(packets, 0, taken, channel);
        int kept = channel == null ? 0 : sent;
        pool.release(packets, kept, taken - kept);
        moved += sent;
        return sent;
    }

    private int receive(int most) {
        int count = channel == null
                ? end.queue.dequeueBurst(pool, packets, 0, most)
                : end.queue.tryDequeueBurst(pool, packets, 0, most, channel);
        for (int i = 0; i < count; i++) {
            byte[] payload = new byte[packets[i].length()];
            packets[i].copyTo(payload, 0);
            assertArrayEquals(payload(moved), payload, "packet " + moved);
            moved++;
        }
        pool.release(packets, 0, count);
        return count;
    }

    /** Packets to the guest whose copies have ended go back to their pool. */
    void putBack() {
        int count = end.queue.pollEnqueueCompleted(packets, 0, packets.length, channel);
        for (int i = 0; i < count; i++) {
            assertFalse(packets[i].isUndelivered(), "a packet that was not delivered");
        }
        pool.release(packets, 0, count);
    }

    /** Waits until no packet to the guest is under way. */
    void finish() {
        while (channel != null && toGuest && end.queue.getInflight() > 0) {
            putBack();
        }
    }

    /** The guest takes back the chains that were used, in order and with what belongs into them; how many. */
    int collect() {
        int count = 0;
        for (int token = end.ring.poll(); token >= 0; token = end.ring.poll()) {
            int number = collected++;
            assertEquals(number % AREAS, token);
            assertEquals(toGuest ? HEADER + length(number) : 0, end.ring.usedLength());
            if (toGuest) {
                assertArrayEquals(payload(number), guest.bytes(area(number) + HEADER, length(number)),
                        "packet " + number);
            }
            count++;
        }
        assertNull(end.ring.violation());
        return count;
    }
}
