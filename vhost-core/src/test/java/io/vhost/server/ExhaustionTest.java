package io.vhost.server;

import static io.vhost.protocol.RawPeer.PLAIN;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.os.OsException;
import io.vhost.os.UnixSocket;
import io.vhost.peer.MainProcess;
import io.vhost.peer.Program;
import io.vhost.protocol.RawPeer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A process to which the system grants little, and front-ends that take more than that. */
@Tag("slow")
@Timeout(value = 90, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ExhaustionTest {
    private static final String MANY = "100000";

    @TempDir
    private Path directory;

    private final List<RawPeer> served = new ArrayList<>();

    @AfterEach
    void disconnect() {
        served.forEach(RawPeer::close);
    }

    /** Under limits of the shell, such as {@code -n 64}. */
    private static List<String> limited(String limits) {
        return List.of("bash", "-c", "ulimit " + limits + " && exec \"$@\"", "bash");
    }

    private Path socket() {
        return directory.resolve("vm.sock");
    }

    /** Connects and asks; whether there was an answer, and not the end of the connection. */
    private boolean connect() {
        RawPeer peer = new RawPeer(UnixSocket.connect(socket()));
        boolean answered;
        try {
            peer.send(1, PLAIN);
            answered = peer.receive() != null;
        } catch (OsException gone) {
            answered = false;
        }
        if (answered) {
            served.add(peer);
        } else {
            peer.close();
        }
        return answered;
    }

    private static void ask(RawPeer peer) {
        peer.send(1, PLAIN);
        assertNotNull(peer.receive(), "answer");
    }

    /** One goes, and the next gets in: not at once perhaps, but on trying again, as QEMU does. */
    private void assertRoomAfterOneHasGone() {
        served.removeFirst().close();
        boolean in = false;
        while (!in) {
            in = connect();
        }
    }

    @Test
    void descriptorsThatAreUsedUpCostTheConnectionThatIsOneTooMany() throws Exception {
        try (Program forward = MainProcess.start(limited("-n 64"), "forward", "--socket-path",
                socket().toString(), "--max-connections", MANY)) {
            forward.await("port 0:");
            // The classes of this test come from files of their own; the end of a connection needs some more.
            long sockets = sockets(forward);
            assertTrue(connect());
            served.removeFirst().close();
            while (sockets(forward) > sockets) {
                Thread.onSpinWait();
            }
            for (int i = 0; i < 2; i++) {
                while (connect()) {
                    assertTrue(served.size() < 64, "more than there are descriptors");
                }
                forward.await("accept(" + socket() + "): EMFILE (24)");
                assertTrue(served.size() > 1, () -> served.size() + " connections");
                served.forEach(ExhaustionTest::ask);
                assertRoomAfterOneHasGone();
                served.forEach(ExhaustionTest::ask);
            }
            String output = forward.output();
            assertTrue(output.contains("WARNING: (" + socket() + ") connection refused: "), output);
            assertEquals("", traces(output), output);
        }
    }

    @Test
    void threadsThatAreUsedUpCostTheConnectionThatIsOneTooMany() {
        // Each thread of Java's takes a stack of 1 GiB of the address space that there is.
        List<String> options = List.of("-Xint", "-Xmx32m", "-XX:+UseSerialGC",
                "-XX:CompressedClassSpaceSize=16m", "-XX:ThreadStackSize=1048576");
        try (Program forward = MainProcess.start(limited("-v 24000000"), options, "forward", "--socket-path",
                socket().toString())) {
            forward.await("port 0:");
            for (int i = 0; i < 2; i++) {
                while (connect()) {
                    assertTrue(served.size() < 24, "more than there is room for");
                }
                forward.await("connection refused: unable to create native thread");
                assertTrue(served.size() > 1, () -> served.size() + " connections");
                served.forEach(ExhaustionTest::ask);
                assertRoomAfterOneHasGone();
                served.forEach(ExhaustionTest::ask);
            }
            assertEquals("", traces(forward.output()));
        }
    }

    private static long sockets(Program program) throws IOException {
        long sockets = 0;
        try (Stream<Path> links = Files.list(Path.of("/proc", Long.toString(program.pid()), "fd"))) {
            for (Path link : links.toList()) {
                try {
                    sockets += Files.readSymbolicLink(link).toString().startsWith("socket:") ? 1 : 0;
                } catch (NoSuchFileException _) {
                    // closed since it was listed
                }
            }
        }
        return sockets;
    }

    private static String traces(String output) {
        return String.join("\n", output.lines().filter(line -> line.startsWith("\tat ")).toList());
    }
}
