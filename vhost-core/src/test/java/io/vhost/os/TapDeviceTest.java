package io.vhost.os;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.peer.Peers;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("peer")
class TapDeviceTest {
    private static final String NAME = "vhosttest%d".formatted(ProcessHandle.current().pid() % 100_000);

    @BeforeEach
    void needs() {
        Peers.requireTap();
    }

    @Test
    void anInterfaceComesUpAndGoes() throws Exception {
        Path kernel = Path.of("/sys/class/net", NAME);
        int before = Descriptor.openDescriptors();
        try (TapDevice tap = TapDevice.open(NAME); Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(2048);
            tap.offloads(TapDevice.OFFLOAD_CSUM | TapDevice.OFFLOAD_TSO4);
            tap.mtu(1400);
            assertEquals("1400", Files.readString(kernel.resolve("mtu")).strip());
            assertFalse(tap.write(buffer, 0, TapDevice.HEADER + 60), "it is down");
            tap.up();
            assertTrue(tap.write(buffer, 0, TapDevice.HEADER + 60));
            assertEquals("1", Files.readString(kernel.resolve("statistics/rx_packets")).strip());
            assertTrue(assertThrows(OsException.class, () -> tap.mtu(20)).getMessage().contains("MTU 20"));
            OsException busy = assertThrows(OsException.class, () -> TapDevice.open(NAME));
            assertEquals(Errno.EBUSY, busy.errno());
            assertTrue(busy.getMessage().contains("another process uses the interface"), busy.getMessage());
        }
        assertFalse(Files.exists(kernel));
        assertEquals(before, Descriptor.openDescriptors());
    }

    @Test
    void whatTheKernelSendsArrivesWithItsHeader() {
        try (TapDevice tap = TapDevice.open(NAME); Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(2048);
            tap.up();
            Poll poll = new Poll(tap.descriptor());
            // An interface that comes up asks for IPv6 neighbours and routers.
            assertEquals(1, poll.await(10_000));
            int length = tap.read(buffer, 4, 2000);
            assertTrue(length > TapDevice.HEADER + 14, "length=" + length);
            assertEquals((byte) 0x33, buffer.get(ValueLayout.JAVA_BYTE, 4 + TapDevice.HEADER), "multicast");
        }
    }

    @Test
    void aNameThatIsNoneIsRefused() {
        for (String name : new String[] {"", "sixteen-bytes-no", "a/b"}) {
            assertEquals(Errno.EINVAL, assertThrows(OsException.class, () -> TapDevice.open(name)).errno());
        }
        OsException taken = assertThrows(OsException.class, () -> TapDevice.open("lo"));
        assertTrue(taken.getMessage().contains("is no tap interface"), taken.getMessage());
    }
}
