package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.control.DeviceMemory;
import io.vhost.memory.GuestMemory;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.os.Descriptor;
import io.vhost.os.MemFd;
import io.vhost.queue.ControlException;
import io.vhost.state.MemoryRegion;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** Memory that is added and removed in regions, from nothing or after a whole table. */
class MemorySlotsTest extends EachFormat {
    private static final long FAR = 0x7000_0000_0000L;
    private static final int PAGE = 4096;

    private final PacketPool pool = PacketPool.create(4, 2048);
    private final Packet[] packets = new Packet[4];
    private int descriptors;
    private TestGuest guest;
    private DeviceMemory memory;

    @BeforeEach
    void open() throws ControlException {
        descriptors = Descriptor.openDescriptors();
        guest = new TestGuest(features(), TestGuest.RING, 1);
        guest.control.connected();
        guest.control.protocolFeatures(ProtocolFeature.CONFIGURE_MEM_SLOTS.mask());
        guest.control.features(guest.features);
        memory = guest.control.memory();
    }

    @AfterEach
    void nothingIsLeft() {
        guest.close();
        pool.close();
        assertEquals(descriptors, Descriptor.openDescriptors(), "open descriptors");
    }

    private static MemoryRegion page(int number) {
        long address = FAR + 2L * PAGE * number;
        return new MemoryRegion(address, address, PAGE, 0);
    }

    private static Descriptor file() {
        return MemFd.create("slot", PAGE);
    }

    private static void assertRefused(Executable request, String value) {
        String text = assertThrows(ControlException.class, request).getMessage();
        assertTrue(text.contains(value), text);
    }

    private void startRings() throws ControlException {
        for (TestQueue queue : guest.queues) {
            queue.configure();
            queue.start();
        }
        guest.control.messageHandled();
    }

    private void assertPacketsFlow() {
        guest.fromGuest().send(new byte[72], 72);
        assertEquals(1, guest.fromGuest().queue.dequeueBurst(pool, packets, 0, 4));
        pool.release(packets, 0, 1);
    }

    @Test
    void regionsAreAddedAndRemovedAroundARunningRing() throws ControlException {
        for (MemoryRegion region : guest.regions()) {
            memory.add(region, guest.file.duplicate());
        }
        startRings();
        assertPacketsFlow();
        memory.add(page(0), file());
        assertPacketsFlow();
        memory.remove(page(0));
        assertPacketsFlow();
        assertEquals(guest.regions(), memory.regions());
    }

    @Test
    void aRegionIsAddedToAWholeTable() throws ControlException {
        guest.shareMemory();
        startRings();
        memory.add(page(0), file());
        assertPacketsFlow();
        assertEquals(3, memory.regions().size());
        memory.remove(page(0));
        assertPacketsFlow();
        assertEquals(guest.regions(), memory.regions());
    }

    @Test
    void aWholeTableReplacesWhatWasAdded() throws ControlException {
        memory.add(page(0), file());
        guest.shareMemory();
        assertEquals(guest.regions(), memory.regions());
        assertRefused(() -> memory.remove(page(0)), "was not added, there are 2");
        memory.remove(guest.regions().getLast());
        assertEquals(List.of(guest.regions().getFirst()), memory.regions());
    }

    @Test
    void aTableThatIsRefusedLeavesWhatWasAdded() throws ControlException {
        memory.add(page(0), file());
        assertRefused(() -> memory.replace(List.of(page(1), page(1)), List.of(file(), file())), "overlap");
        memory.add(page(2), file());
        assertEquals(List.of(page(0), page(2)), memory.regions());
    }

    /** A front-end with several queue pairs may say everything once for each. */
    @Test
    void aRegionThatIsAddedTwiceIsRemovedTwice() throws ControlException {
        memory.add(page(0), file());
        memory.add(page(0), file());
        assertEquals(1, memory.regions().size());
        memory.remove(page(0));
        assertEquals(1, memory.regions().size());
        memory.remove(page(0));
        assertEquals(0, memory.regions().size());
        assertRefused(() -> memory.remove(page(0)), "guest=0x700000000000");
    }

    @Test
    void whatContradictsTheOthersIsRefusedAndLeavesThem() throws ControlException {
        memory.add(page(0), file());
        MemoryRegion elsewhere = new MemoryRegion(FAR, FAR, PAGE, PAGE);
        assertRefused(() -> memory.add(elsewhere, file()), "was added before");
        MemoryRegion overlap = new MemoryRegion(FAR, FAR + 64L * PAGE, PAGE, 0);
        assertRefused(() -> memory.add(overlap, file()), "overlap");
        MemoryRegion tooLong = new MemoryRegion(FAR + 8L * PAGE, FAR + 8L * PAGE, 2L * PAGE, 0);
        assertRefused(() -> memory.add(tooLong, file()), "exceeds its file of 4096 bytes");
        assertEquals(List.of(page(0)), memory.regions());
    }

    @Test
    void removingTheMemoryOfAStartedRingStopsIt() throws ControlException {
        guest.shareMemory();
        startRings();
        assertRefused(() -> memory.remove(guest.regions().getFirst()), "queue");
        assertFalse(guest.toGuest().queue.isRunning() && guest.fromGuest().queue.isRunning());
    }

    @Test
    void thereAreAsManySlotsAsWasSaid() throws ControlException {
        for (int i = 0; i < memory.slots(); i++) {
            memory.add(page(i), file());
        }
        assertEquals(GuestMemory.MAX_REGIONS, memory.regions().size());
        assertRefused(() -> memory.add(page(GuestMemory.MAX_REGIONS), file()),
                "the limit of 509 memory regions of one connection is reached");
    }
}
