package io.vhost.server;

import static io.vhost.protocol.RawPeer.NEED_REPLY;
import static io.vhost.protocol.RawPeer.PLAIN;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.control.DeviceControl;
import io.vhost.device.DeviceListener;
import io.vhost.device.VhostConfig;
import io.vhost.device.VhostDevice;
import io.vhost.driver.DriverConfig;
import io.vhost.driver.VirtioUser;
import io.vhost.os.Descriptor;
import io.vhost.os.FileSystem;
import io.vhost.os.MemFd;
import io.vhost.os.Opened;
import io.vhost.os.SealableFile;
import io.vhost.os.UnixSocket;
import io.vhost.peer.MainProcess;
import io.vhost.peer.Program;
import io.vhost.protocol.RawPeer;
import io.vhost.protocol.RecordingLogger;
import io.vhost.state.MemoryRegion;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Memory that its front-end can or cannot take away, and what is said of it. */
class SealedMemoryTest extends ServerFixture {
    private static final long PAGE = 4096;
    private static final long FAR = 0x7F00_0000_0000L;
    private static final MemoryRegion FIRST = new MemoryRegion(0, FAR, PAGE, 0);
    private static final MemoryRegion SECOND = new MemoryRegion(PAGE, FAR + PAGE, PAGE, 0);

    private static long share(RawPeer peer, Descriptor memory) {
        peer.sendBytes(RawPeer.message(5, NEED_REPLY, 1, 0, 0L, PAGE, FAR, 0L), memory.fd());
        RawPeer.Answer answer = peer.receive();
        assertNotNull(answer, "the connection goes on");
        return answer.u64();
    }

    @Test
    void aFrontEndCannotTakeAwayWhatCouldBeSealed() throws Exception {
        BlockingQueue<VhostDevice> devices = new LinkedBlockingQueue<>();
        DeviceListener listener = new DeviceListener() {
            @Override
            public void newDevice(VhostDevice device) {
                devices.add(device);
            }
        };
        try (VhostServer _ = VhostServer.listen(path, CONFIG, listener);
                RawPeer peer = connect();
                Descriptor memory = SealableFile.create("sealed", PAGE)) {
            handshake(peer, memory);
            assertFalse(SealableFile.resize(memory, 0));
            assertTrue(devices.take().snapshot().backings().getFirst().sealed());
            ask(peer);
        }
    }

    @Test
    void whereSealedMemoryIsRequiredOtherIsRefusedAndTheConnectionGoesOn() throws Exception {
        VhostConfig config = VhostConfig.builder().requireSealedMemory(true).build();
        try (VhostServer _ = VhostServer.listen(path, config, DEAF);
                Descriptor sealable = SealableFile.create("sealed", PAGE);
                Descriptor plain = MemFd.create("plain", PAGE);
                RawPeer peer = connect()) {
            peer.send(16, PLAIN, 1L << 3 | 1L << 1);
            assertEquals(1, share(peer, plain));
            assertEquals(0, share(peer, sealable));
            assertEquals(1, share(peer, plain));
            ask(peer);
            peer.sendWithFiles(RawPeer.message(6, PLAIN, PAGE, 0L), 1);
            assertNull(peer.receive(), "a log that could be truncated");
        }
    }

    @Test
    @Tag("slow")
    void theOptionOfTheCommandLineIsObeyed() throws Exception {
        try (Program forward = MainProcess.start("forward", "--socket-path", path.toString(),
                        "--require-sealed");
                Descriptor plain = MemFd.create("plain", PAGE)) {
            forward.await("port 0:");
            try (RawPeer peer = new RawPeer(UnixSocket.connect(path))) {
                peer.send(16, PLAIN, 1L << 3);
                assertEquals(1, share(peer, plain));
            }
            forward.await("cannot be sealed against truncation (tmpfs (0x1021994)), and sealed memory is");
            VirtioUser.connect(path, DriverConfig.defaults()).close();
            forward.terminate();
            forward.exitStatus();
        }
    }

    @Test
    void whatIsUnusualIsSaidOnceAConnection() throws Exception {
        RecordingLogger log = new RecordingLogger();
        DeviceControl device = DeviceControl.create("name", CONFIG, DEAF, log);
        device.protocolFeatures(1L << 15);
        device.memory().add(FIRST, SealableFile.create("sealed", PAGE));
        assertEquals(List.of(), unusual(log));
        device.memory().add(SECOND, MemFd.create("plain", PAGE));
        device.memory().replace(List.of(SECOND), List.of(MemFd.create("plain", PAGE)));
        device.disconnected();
        assertEquals(List.of("INFO (name) memory that cannot be sealed against truncation, so its front-end"
                + " can lose its connection by truncating it: [" + SECOND + "]"), unusual(log));
    }

    /** All but what is said of every connection. */
    private static List<String> unusual(RecordingLogger log) {
        return log.records().stream().filter(line -> !line.contains(") memory mapped: ")).toList();
    }

    @Test
    void aFileOnADiskIsAcceptedWithAWarning() throws Exception {
        RecordingLogger log = new RecordingLogger();
        DeviceControl device = DeviceControl.create("name", CONFIG, DEAF, log);
        Path file = Files.write(directory.resolve("disk"), new byte[(int) PAGE]);
        Descriptor disk = Opened.readWrite(file);
        if (FileSystem.of(disk).kind() != FileSystem.Kind.DISK) {
            disk.close();
            Assumptions.abort("temporary files are not on a disk");
        }
        device.memory().replace(List.of(FIRST), List.of(disk));
        device.disconnected();
        assertTrue(unusual(log).getLast().startsWith("WARNING (name) memory in files that are not memory"),
                log.records()::toString);
        assertEquals(2, unusual(log).size());
    }
}
