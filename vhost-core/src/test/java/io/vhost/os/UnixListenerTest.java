package io.vhost.os;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UnixListenerTest {
    private final int openBefore = Descriptor.openDescriptors();

    @TempDir
    Path directory;

    @AfterEach
    void nothingLeaks() {
        assertEquals(openBefore, Descriptor.openDescriptors());
    }

    @Test
    void aClientConnectsAndIsHeard() throws LostDescriptorsException {
        Path path = directory.resolve("vm0.sock");
        try (UnixListener listener = UnixListener.bind(path);
                UnixSocket client = UnixSocket.connect(path);
                UnixSocket server = listener.accept();
                Arena arena = Arena.ofConfined()) {
            assertEquals(path, listener.path());
            MemorySegment bytes = arena.allocateFrom("hello");
            client.send(bytes, 0, bytes.byteSize());
            assertEquals(6, server.receive(bytes, 0, bytes.byteSize(), new ArrayList<>()));
            assertEquals(ProcessHandle.current().pid(), server.peer().pid());
        }
        assertFalse(Files.exists(path, LinkOption.NOFOLLOW_LINKS));
    }

    @Test
    void onlyTheOwnerMayConnectUnlessToldOtherwise() throws IOException {
        Path path = directory.resolve("mode");
        try (UnixListener _ = UnixListener.bind(path)) {
            assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(path)));
        }
        try (UnixListener _ = UnixListener.bind(path, 0666)) {
            assertEquals("rw-rw-rw-", PosixFilePermissions.toString(Files.getPosixFilePermissions(path)));
        }
    }

    /** Between bind and chmod the file would have what the umask leaves, if nothing were done about it. */
    @Test
    void theFileIsAtNoMomentOpenToOthers() throws InterruptedException {
        Path path = directory.resolve("moment");
        AtomicBoolean over = new AtomicBoolean();
        Set<String> seen = ConcurrentHashMap.newKeySet();
        Thread watcher = Thread.ofPlatform().start(() -> {
            while (!over.get()) {
                try {
                    seen.add(PosixFilePermissions.toString(Files.getPosixFilePermissions(path)));
                } catch (IOException _) {
                    // It is not there just now.
                }
            }
        });
        for (int i = 0; i < 500 && seen.size() < 2; i++) {
            UnixListener.bind(path).close();
        }
        over.set(true);
        watcher.join();
        seen.remove("rw-------");
        assertEquals(Set.of(), seen);
    }

    @Test
    void aPathThatIsTooLongIsRefusedWithItsLength() {
        String longest = "x".repeat(SocketPath.MAX_LENGTH);
        OsException e = assertThrows(OsException.class, () -> UnixListener.bind(Path.of(longest + "x")));
        assertEquals(Errno.ENAMETOOLONG, e.errno());
        assertTrue(e.getMessage().contains("has 108 bytes and a Unix socket's may have 107"), e.getMessage());
        assertThrows(OsException.class, () -> UnixSocket.connect(Path.of(longest + "x")));
        assertThrows(OsException.class, () -> UnixListener.bind(Path.of("")));
    }

    @Test
    void thePathMayHaveExactlyAsManyBytesAsFit() {
        int room = SocketPath.MAX_LENGTH - directory.toString().length() - 1;
        Path path = directory.resolve("x".repeat(room));
        try (UnixListener listener = UnixListener.bind(path);
                UnixSocket _ = UnixSocket.connect(path);
                UnixSocket _ = listener.accept()) {
            assertTrue(Files.exists(path));
        }
    }

    @Test
    void aMissingDirectoryIsNamed() {
        OsException e = failure(directory.resolve("no/vm0.sock"), Errno.ENOENT);
        String cause = "directory " + directory + "/no does not exist; create it";
        assertTrue(e.getMessage().contains(cause), e.getMessage());
    }

    @Test
    void aFileInPlaceOfTheDirectoryIsNamed() throws IOException {
        Path file = Files.createFile(directory.resolve("file"));
        OsException e = failure(file.resolve("vm0.sock"), Errno.ENOTDIR);
        assertTrue(e.getMessage().contains("a part of " + file + " is not a directory"), e.getMessage());
    }

    @Test
    void missingPermissionSaysWhatToDo() throws IOException {
        SocketPath path = SocketPath.of("bind", directory.resolve("vm0.sock"));
        assertTrue(path.failure("bind", Errno.EACCES).getMessage().contains("change their owner or mode"));
        boolean root = "root".equals(System.getProperty("user.name"));
        // Not even root may make files there.
        failure(Path.of("/sys/vm0.sock"), root ? Errno.EPERM : Errno.EACCES);
    }

    @Test
    void aSocketFileOfADeadProcessIsReplaced() {
        Path path = directory.resolve("stale");
        leaveStaleSocket(path);
        assertTrue(Files.exists(path));
        try (UnixListener listener = UnixListener.bind(path);
                UnixSocket _ = UnixSocket.connect(path);
                UnixSocket _ = listener.accept()) {
            assertTrue(Files.exists(path));
        }
    }

    @Test
    void aLiveListenerIsLeftAlone() {
        Path path = directory.resolve("live");
        try (UnixListener listener = UnixListener.bind(path)) {
            OsException e = failure(path, Errno.EADDRINUSE);
            assertTrue(e.getMessage().contains("a live process listens there; stop it"), e.getMessage());
            listener.accept().close(); // the probe
            try (UnixSocket _ = UnixSocket.connect(path);
                    UnixSocket server = listener.accept()) {
                assertTrue(server.descriptor().isOpen());
            }
        }
    }

    @Test
    void aListenerWithAFullBacklogIsAlive() {
        Path path = directory.resolve("busy");
        SocketPath address = SocketPath.of("connect", path);
        List<Descriptor> clients = new ArrayList<>();
        try (UnixListener _ = UnixListener.bind(path)) {
            int result;
            do {
                Descriptor client = UnixSocket.open(0x800); // SOCK_NONBLOCK
                clients.add(client);
                result = UnixSocket.connect(client, address);
            } while (result == 0);
            assertEquals(-Errno.EAGAIN, result);
            failure(path, Errno.EADDRINUSE);
        } finally {
            clients.forEach(Descriptor::close);
        }
    }

    @Test
    void aClientWaitsNoLongerThanItSaysForAListenerThatAcceptsNobody() {
        Path path = directory.resolve("busy");
        List<UnixSocket> clients = new ArrayList<>();
        try (UnixListener listener = UnixListener.bind(path, UnixListener.OWNER_ONLY, 1)) {
            clients.add(UnixSocket.connect(path));
            clients.add(UnixSocket.connect(path));
            OsException e =
                    assertThrows(OsException.class, () -> UnixSocket.connect(path, Duration.ofNanos(1)));
            assertEquals(Errno.EAGAIN, e.errno());
            assertTrue(e.getMessage().startsWith("connect(" + path + "): "), e.getMessage());
            listener.accept().close();
            clients.add(UnixSocket.connect(path, Duration.ofDays(1)));
        } finally {
            clients.forEach(UnixSocket::close);
        }
    }

    @Test
    void aFileThatIsNoSocketIsLeftAlone() throws IOException {
        Path file = Files.writeString(directory.resolve("precious"), "data");
        OsException e = failure(file, Errno.EADDRINUSE);
        assertTrue(e.getMessage().contains("a file that is not a socket"), e.getMessage());
        assertEquals("data", Files.readString(file));
    }

    @Test
    void aLinkToAStaleSocketIsLeftAlone() throws IOException {
        Path target = directory.resolve("target");
        leaveStaleSocket(target);
        Path link = Files.createSymbolicLink(directory.resolve("link"), target);
        failure(link, Errno.EADDRINUSE);
        assertTrue(Files.exists(target));
    }

    @Test
    void closeLeavesAFileThatSomebodyElsePutThere() throws IOException {
        Path path = directory.resolve("taken");
        UnixListener first = UnixListener.bind(path);
        Files.delete(path);
        try (UnixListener _ = UnixListener.bind(path)) {
            first.close();
            assertTrue(Files.exists(path));
            UnixSocket.connect(path).close();
        }
        assertFalse(Files.exists(path));
        first.close();
    }

    @Test
    void closeEndsTheListeningAlsoWhereTheFileCannotBeRemoved() throws IOException {
        Path parent = Files.createDirectory(directory.resolve("parent"));
        Path moved = directory.resolve("moved");
        UnixListener listener = UnixListener.bind(parent.resolve("vm0.sock"));
        Files.move(parent, moved);
        Files.createFile(parent);
        assertEquals(Errno.ENOTDIR, assertThrows(OsException.class, listener::close).errno());
        assertFalse(listener.descriptor().isOpen());
        OsException refused =
                assertThrows(OsException.class, () -> UnixSocket.connect(moved.resolve("vm0.sock")));
        assertEquals(Errno.ECONNREFUSED, refused.errno());
    }

    @Test
    void aWaitingClientMakesTheListenerReadable() {
        Path path = directory.resolve("poll");
        try (UnixListener listener = UnixListener.bind(path)) {
            Poll poll = new Poll(listener.descriptor());
            assertEquals(0, poll.await(0));
            try (UnixSocket _ = UnixSocket.connect(path)) {
                assertEquals(1, poll.await(Poll.FOREVER));
                listener.accept().close();
            }
        }
    }

    private static OsException failure(Path path, int errno) {
        OsException e = assertThrows(OsException.class, () -> UnixListener.bind(path).close());
        assertEquals(errno, e.errno(), e.getMessage());
        assertTrue(e.getMessage().startsWith("bind(" + path + "): "), e.getMessage());
        return e;
    }

    /** Leaves a socket file behind as a process does that is killed. */
    private static void leaveStaleSocket(Path path) {
        try (Descriptor socket = UnixSocket.open(0);
                Arena arena = Arena.ofConfined()) {
            MemorySegment address = SocketPath.of("bind", path).nativeAddress(arena);
            assertEquals(0, Libc.bind(socket.fd(), address, SocketPath.ADDRESS_SIZE));
        }
    }
}
