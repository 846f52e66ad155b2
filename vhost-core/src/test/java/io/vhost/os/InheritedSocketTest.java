package io.vhost.os;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class InheritedSocketTest {
    @TempDir
    private Path directory;

    private int open;

    @BeforeEach
    void countDescriptors() {
        open = Descriptor.openDescriptors();
    }

    @AfterEach
    void allAreClosed() {
        assertEquals(open, Descriptor.openDescriptors());
    }

    @Test
    void aListenerIsTakenOverAndItsFileStays() {
        Path path = directory.resolve("socket");
        try (UnixListener parent = UnixListener.bind(path);
                Descriptor copy = parent.descriptor().duplicate()) {
            assertTrue(InheritedSocket.isListening(copy));
            UnixListener child = UnixListener.adopt(copy);
            try (UnixSocket client = UnixSocket.connect(path); UnixSocket accepted = child.accept()) {
                assertEquals(client.peer(), accepted.peer());
            }
            child.close();
            assertFalse(copy.isOpen());
            assertTrue(Files.exists(path));
        }
    }

    @Test
    void aConnectionIsTakenOverInBlockingMode() throws Exception {
        UnixSocket[] pair = UnixSocket.pair();
        try (UnixSocket parent = pair[0]; UnixSocket peer = pair[1]) {
            parent.descriptor().nonBlocking();
            // Its owner is forgotten, as if this were the child.
            int fd = parent.descriptor().duplicate().fd();
            open++;
            try (UnixSocket child = UnixSocket.adopt(InheritedSocket.take(fd))) {
                assertFalse(InheritedSocket.isListening(child.descriptor()));
                FutureTask<Integer> receiving = new FutureTask<>(() -> receive(child));
                Thread.ofPlatform().start(receiving);
                try (Arena arena = Arena.ofConfined()) {
                    peer.send(arena.allocate(1), 0, 1);
                }
                assertEquals(1, receiving.get());
            }
        }
    }

    private static int receive(UnixSocket socket) throws LostDescriptorsException {
        return socket.receive(Arena.ofAuto().allocate(1), 0, 1, new ArrayList<>());
    }

    @Test
    void whatIsNoUnixStreamSocketIsRefused() {
        try (Descriptor file = MemFd.create("file", 4096)) {
            OsException refused = assertThrows(OsException.class, () -> InheritedSocket.take(file.fd()));
            assertTrue(refused.getMessage().contains("ENOTSOCK"), refused.getMessage());
            assertTrue(file.isOpen());
        }
        OsException refused = assertThrows(OsException.class, () -> InheritedSocket.take(999_999));
        assertTrue(refused.getMessage().contains("EBADF"), refused.getMessage());
    }
}
