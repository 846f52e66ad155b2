package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.peer.MainProcess;
import io.vhost.peer.Program;
import io.vhost.queue.ControlException;
import io.vhost.state.RingViolation;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a device does whose memory was replaced; in a process of its own, since the guard stays. */
@Tag("slow")
@EnabledOnOs(architectures = "amd64", value = OS.LINUX)
class TruncationGuardTest {
    @ParameterizedTest
    @ValueSource(strings = {"split", "packed"})
    void aDeviceWhoseMemoryWasReplacedFails(String format) {
        try (Program program = MainProcess.start(List.of(), Guarded.class, format)) {
            assertEquals(0, program.exitStatus(), program::output);
        }
    }

    static final class Guarded {
        private Guarded() {}

        public static void main(String[] words) throws ControlException {
            TruncationGuard.enable();
            long features = words[0].equals("packed") ? TestGuest.PACKED : TestGuest.MODERN;
            for (long left : new long[] {0, TestGuest.BUFFERS}) {
                for (int queue = 0; queue < 2; queue++) {
                    burst(features, left, queue);
                }
            }
        }

        /** One burst of the queue after the file was truncated: rings and buffers, or the buffers alone. */
        private static void burst(long features, long left, int queue) throws ControlException {
            Packet[] packets = new Packet[1];
            try (TestGuest guest = TestGuest.running(features);
                    PacketPool pool = PacketPool.create(1, 2048)) {
                guest.fromGuest().send(new byte[100], 100);
                guest.toGuest().ring.offer(0, TestGuest.GUEST + TestGuest.BUFFERS, 2048, true);
                guest.toGuest().ring.publish();
                guest.truncate(left);
                VirtQueue moved = guest.device.queue(queue);
                if (queue == 0) {
                    packets[0] = pool.take();
                    packets[0].reset(100);
                    moved.enqueueBurst(packets, 0, 1);
                    packets[0].release();
                } else {
                    pool.release(packets, 0, moved.dequeueBurst(pool, packets, 0, 1));
                }
                require(!moved.isRunning() && guest.device.isFailed(), "failed, left " + left + " " + queue);
                require(moved.violation() == RingViolation.MEMORY_LOST, "" + moved.violation());
                require(!guest.device.checkMemory(), "memory is checked");
                require(pool.outstanding() == 0, "packets are back");
            }
        }

        private static void require(boolean holds, String what) {
            if (!holds) {
                throw new IllegalStateException(what);
            }
        }
    }
}
