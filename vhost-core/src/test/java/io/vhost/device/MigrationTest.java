package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.control.DeviceMemory;
import io.vhost.limit.ResourceUsage;
import io.vhost.limit.account.ResourceAccount;
import io.vhost.memory.DirtyLog;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.os.Descriptor;
import io.vhost.os.Proc;
import io.vhost.queue.ControlException;
import io.vhost.state.MemoryRegion;
import java.lang.foreign.ValueLayout;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/**
 * What a device does for live migration: the log of written pages,
 * and the packet that tells where the guest is now.
 */
class MigrationTest extends EachFormat {
    private static final int PAGE = DirtyLog.PAGE;

    private final PacketPool pool = PacketPool.create(64, 9000);
    private final Packet[] packets = new Packet[64];
    private final MarkedPages marks = new MarkedPages();

    @AfterEach
    void everythingIsBack() {
        marks.close();
        pool.close();
    }

    @Test
    void everyPageThatWasWrittenIsInTheLog() throws ControlException {
        Random random = new Random(1);
        try (TestGuest guest = running()) {
            guest.control.memory().dirtyLog(marks.file(), 0, MarkedPages.LOG_SIZE);
            assertEquals(Set.of(), marks.take(), "not before it was negotiated");
            guest.control.features(features() | Feature.VHOST_F_LOG_ALL.mask());
            MarkedPages.logDeviceAreas(guest);
            marks.take();
            assertEquals(64, pool.take(packets, 0, 64));
            int total = 0;
            int chains = 0;
            for (int round = 0; round < 300; round++) {
                int count = 1 + random.nextInt(8);
                for (int i = 0; i < count; i++) {
                    packets[i].reset(1 + random.nextInt(6000));
                    packets[i].putByte(0, round + 1);
                    long offset = TestGuest.BUFFERS + random.nextInt(0x10_0000);
                    guest.toGuest().acceptAt(offset, 0, 20 + random.nextInt(3000), 1 + random.nextInt(6000));
                }
                byte[] before = MarkedPages.snapshot(guest);
                int sent = guest.toGuest().queue.enqueueBurst(packets, 0, count);
                Set<Long> written = MarkedPages.changed(before, MarkedPages.snapshot(guest));
                Set<Long> marked = marks.take();
                total += sent;
                assertTrue(marked.containsAll(written), () -> written + " written, marked are " + marked);
                while (guest.toGuest().ring.poll() >= 0) {
                    chains++;
                }
            }
            assertTrue(total > 300 && chains > total, total + " packets in " + chains + " chains");
            pool.release(packets, 0, 64);
            guest.fromGuest().send(new byte[100], 100);
            byte[] before = MarkedPages.snapshot(guest);
            assertEquals(1, guest.fromGuest().queue.dequeueBurst(pool, packets, 0, 64));
            packets[0].release();
            assertTrue(marks.take().containsAll(MarkedPages.changed(before, MarkedPages.snapshot(guest))));
            guest.control.features(features());
            guest.fromGuest().send(new byte[100], 100);
            assertEquals(1, guest.fromGuest().queue.dequeueBurst(pool, packets, 0, 64));
            packets[0].release();
            assertEquals(Set.of(), marks.take(), "no more when it was ended");
        }
    }

    @Test
    void aLogThatIsTooSmallIsRefused() throws ControlException {
        try (TestGuest guest = running()) {
            ControlException refusal = assertThrows(
                    ControlException.class, () -> guest.control.memory().dirtyLog(marks.file(), 0, 4096));
            assertTrue(refusal.getMessage().contains("dirty log of 4096 bytes is too small"),
                    refusal.getMessage());
            assertTrue(guest.toGuest().queue.isRunning());
        }
    }

    /** A second log takes the first one's place in memory, and in the account. */
    @Test
    void aLogThatIsReplacedIsMappedNoLonger() throws ControlException {
        ResourceUsage before = ResourceAccount.ofProcess().usage();
        try (TestGuest guest = running()) {
            DeviceMemory memory = guest.control.memory();
            memory.dirtyLog(marks.file(), 0, MarkedPages.LOG_SIZE);
            ResourceUsage one = ResourceAccount.ofProcess().usage();
            int mapped = Proc.mapsOf("memfd:log").size();
            assertTrue(mapped > 0, "the test's own is among them");
            memory.dirtyLog(marks.file(), 0, MarkedPages.LOG_SIZE);
            assertEquals(one, ResourceAccount.ofProcess().usage());
            assertEquals(mapped, Proc.mapsOf("memfd:log").size());
        }
        assertEquals(before, ResourceAccount.ofProcess().usage());
    }

    @Test
    void memoryThatTheLogHasNoRoomForIsRefusedWhilePagesAreLogged() throws ControlException {
        MemoryRegion beyond = new MemoryRegion(MarkedPages.LOG_SIZE * 8L * PAGE, 0x1000, PAGE, 0);
        int before = Descriptor.openDescriptors();
        try (TestGuest guest = running()) {
            DeviceMemory memory = guest.control.memory();
            memory.dirtyLog(marks.file(), 0, MarkedPages.LOG_SIZE);
            guest.control.features(features() | Feature.VHOST_F_LOG_ALL.mask());
            List<MemoryRegion> regions = memory.regions();
            for (int i = 0; i < 2; i++) {
                assertTooSmall(() -> memory.replace(List.of(beyond), List.of(marks.file())));
                assertTooSmall(() -> memory.add(beyond, marks.file()));
            }
            assertEquals(regions, memory.regions());
            assertTrue(guest.toGuest().queue.isRunning());
            guest.control.features(features());
            assertThrows(ControlException.class, () -> memory.add(beyond, marks.file()),
                    "without the rings");
            assertEquals(List.of(beyond), memory.regions());
        }
        assertEquals(before, Descriptor.openDescriptors());
    }

    private static void assertTooSmall(Executable change) {
        String text = assertThrows(ControlException.class, change).getMessage();
        assertTrue(text.contains("dirty log of 65536 bytes is too small for the memory table"), text);
    }

    @Test
    void anAnnouncementIsTheNextPacketFromTheGuest() throws ControlException {
        try (TestGuest guest = running()) {
            guest.fromGuest().send(new byte[100], 100);
            int all = pool.take(packets, 0, packets.length);
            for (int i = 0; i < all; i++) {
                packets[i].reset(60);
                packets[i].asSlice().fill((byte) 0x5A);
            }
            pool.release(packets, 0, all);
            assertThrows(ControlException.class, () -> guest.control.announce(1L << 48));
            guest.control.announce(0x5254_0012_3456L);
            assertEquals(2, guest.fromGuest().queue.dequeueBurst(pool, packets, 0, 64));
            Packet first = packets[0];
            assertEquals("ffffffffffff" + "525400123456" + "8035" + "0001" + "0800" + "06" + "04" + "0003"
                    + "525400123456" + "00000000" + "525400123456" + "0".repeat(44),
                    HexFormat.of().formatHex(first.asSlice().toArray(ValueLayout.JAVA_BYTE)));
            pool.release(packets, 0, 2);
            assertEquals(0, guest.fromGuest().queue.dequeueBurst(pool, packets, 0, 64), "once");
        }
    }

    @Test
    void anMtuOutOfRangeIsRefused() throws ControlException {
        try (TestGuest guest = running()) {
            for (long mtu : new long[] {0, 67, 65536, -1}) {
                assertThrows(ControlException.class, () -> guest.control.mtu(mtu));
            }
            assertEquals(0, guest.device.mtu());
            guest.control.mtu(68);
            guest.control.mtu(65535);
            assertEquals(65535, guest.device.mtu());
        }
    }
}
