package io.vhost.os;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class UnixSocketTest {
    private final int openBefore = Descriptor.openDescriptors();
    private final UnixSocket[] pair = UnixSocket.pair();
    private final UnixSocket one = pair[0];
    private final UnixSocket other = pair[1];
    private final MemorySegment bytes = Arena.ofAuto().allocate(2048, Long.BYTES);
    private final List<Descriptor> received = new ArrayList<>();

    @AfterEach
    void nothingLeaks() {
        received.forEach(Descriptor::close);
        one.close();
        other.close();
        assertEquals(openBefore, Descriptor.openDescriptors());
        assertEquals(0, Proc.descriptorsOf("memfd:travel"));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 8, UnixSocket.MAX_RECEIVED_DESCRIPTORS})
    void descriptorsArriveInOrderWithTheirBytes(int count) throws LostDescriptorsException {
        bytes.setString(0, "hello");
        send(count, 6);
        MemorySegment into = MemorySegment.ofArray(new byte[32]);
        assertEquals(6, other.receive(into, 2, 30, received));
        assertEquals("hello", into.getString(2));
        assertEquals(count, received.size());
        for (int i = 0; i < count; i++) {
            assertEquals(i + 1, received.get(i).size(), "file " + i);
        }
        assertEquals(count, Proc.descriptorsOf("memfd:travel"));
    }

    @ParameterizedTest
    @ValueSource(ints = {UnixSocket.MAX_RECEIVED_DESCRIPTORS + 1, UnixSocket.MAX_SENT_DESCRIPTORS})
    void tooManyDescriptorsAreClosedAndReported(int count) {
        send(count, 1);
        LostDescriptorsException e =
                assertThrows(LostDescriptorsException.class, () -> other.receive(bytes, 0, 1, received));
        assertEquals("recvmsg: file descriptors were lost: " + Math.min(count, 18) + " arrived and were"
                + " closed; at most 16 are taken", e.getMessage());
        assertTrue(received.isEmpty());
        assertEquals(0, Proc.descriptorsOf("memfd:travel"));
    }

    @Test
    void moreDescriptorsThanTheKernelTakesAreRefusedBeforeAnythingIsSent() throws LostDescriptorsException {
        assertThrows(IllegalArgumentException.class, () -> send(UnixSocket.MAX_SENT_DESCRIPTORS + 1, 1));
        assertThrows(IllegalArgumentException.class, () -> send(1, 0));
        one.close();
        assertEquals(-1, other.receive(bytes, 0, 1, received));
    }

    @Test
    void everyDescriptorInAControlBufferIsFound() {
        int[] fds = IntStream.rangeClosed(1000, 1252).toArray();
        MemorySegment control = bytes.asSlice(0, 1032);
        assertEquals(253, fds.length);
        item(control, 0, 16 + 4 * 253, 1, fds);
        assertArrayEquals(fds, SocketMessage.descriptorsIn(control));
    }

    @Test
    void otherControlItemsAndBrokenOnesAreSkipped() {
        MemorySegment control = bytes.asSlice(0, 88);
        item(control, 0, 16 + 4, 1, 7);
        item(control, 24, 16 + 12, 2, 91, 92, 93); // credentials
        item(control, 56, 16 + 4, 1, 8);
        assertArrayEquals(new int[] {7, 8}, SocketMessage.descriptorsIn(control.asSlice(0, 80)));
        assertArrayEquals(new int[] {7, 8}, SocketMessage.descriptorsIn(control));
        control.set(JAVA_LONG, 56, 15);
        assertArrayEquals(new int[] {7}, SocketMessage.descriptorsIn(control));
        control.set(JAVA_LONG, 56, Long.MAX_VALUE);
        assertArrayEquals(new int[] {7}, SocketMessage.descriptorsIn(control));
        assertArrayEquals(new int[0], SocketMessage.descriptorsIn(control.asSlice(0, 0)));
    }

    @Test
    void aMessageLargerThanEveryBufferArrivesWhole() throws LostDescriptorsException {
        int size = 3_000_001;
        MemorySegment message = MemorySegment.ofArray(new byte[size]);
        for (int i = 0; i < size; i++) {
            message.set(JAVA_BYTE, i, (byte) ((i * 31) >> 3));
        }
        CompletableFuture<Void> sender;
        MemorySegment into = MemorySegment.ofArray(new byte[size]);
        try (Descriptor file = MemFd.create("travel", 1)) {
            sender = CompletableFuture.runAsync(() -> one.send(message, 0, size, file.fd()));
            for (int at = 0; at < size; ) {
                at += other.receive(into, at, size - at, received);
            }
            sender.join();
        }
        assertEquals(-1, message.mismatch(into));
        assertEquals(1, received.size(), "sent with the first part only");
    }

    @Test
    void aMessageCanBeReadInPieces() throws LostDescriptorsException {
        bytes.setString(0, "abc");
        send(1, 3);
        assertEquals(2, other.receive(bytes, 100, 2, received));
        assertEquals(1, received.size());
        assertEquals(1, other.receive(bytes, 102, 2, received));
        assertEquals(1, received.size());
        assertEquals("abc", bytes.getString(100));
    }

    @Test
    void theEndOfTheStreamIsMinusOneAndAsOftenAsAsked() throws LostDescriptorsException {
        one.close();
        assertEquals(-1, other.receive(bytes, 0, 8, received));
        assertEquals(-1, other.receive(bytes, 0, 8, received));
        assertThrows(IllegalArgumentException.class, () -> other.receive(bytes, 0, 0, received));
    }

    @Test
    void aPeerThatClosesWithUnreadBytesEndsTheStream() throws LostDescriptorsException {
        other.send(bytes, 0, 8);
        one.close();
        assertEquals(-1, other.receive(bytes, 0, 8, received));
    }

    @Test
    void sendingToAPeerThatIsGoneIsAFailureNotASignal() {
        other.close();
        OsException e = assertThrows(OsException.class, () -> send(1, 8));
        assertEquals(Errno.EPIPE, e.errno());
    }

    @Test
    void shutdownEndsAReceiveThatWaits() throws Exception {
        var waiting = CompletableFuture.supplyAsync(() -> receiveOne(other));
        other.shutdown(); // before or while it waits
        assertEquals(-1, waiting.get());
        other.shutdown();
        assertEquals(-1, one.receive(bytes, 0, 1, received));
    }

    @Test
    void anUnreceivedDescriptorIsClosedWithItsMessage() {
        send(8, 1);
        one.close();
        other.close();
        assertEquals(0, Proc.descriptorsOf("memfd:travel"));
    }

    @Test
    void knowsItsPeer() {
        assertEquals(ProcessHandle.current().pid(), one.peer().pid());
    }

    @Test
    void descriptorsReceivedAreCloseOnExec() throws LostDescriptorsException {
        send(1, 1);
        other.receive(bytes, 0, 1, received);
        int getDescriptorFlags = 1;
        assertEquals(1, Libc.fcntl(received.getFirst().fd(), getDescriptorFlags, 0));
        assertEquals(1, Libc.fcntl(one.descriptor().fd(), getDescriptorFlags, 0));
        try (Descriptor copy = received.getFirst().duplicate();
                EventFd event = EventFd.create()) {
            assertEquals(1, Libc.fcntl(copy.fd(), getDescriptorFlags, 0));
            assertEquals(1, Libc.fcntl(event.descriptor().fd(), getDescriptorFlags, 0));
        }
    }

    @Test
    void connectingNowhereSaysWhatToDo(@TempDir Path directory) {
        assertEquals("there is no such file in " + directory + "; start the listening side first",
                refusal(directory.resolve("none")));
        assertEquals("the directory " + directory + "/no does not exist; create it, or choose another path",
                refusal(directory.resolve("no/none")));
    }

    private static String refusal(Path path) {
        OsException e = assertThrows(OsException.class, () -> UnixSocket.connect(path));
        assertEquals(Errno.ENOENT, e.errno());
        String begin = "connect(" + path + "): ENOENT (2) No such file or directory: ";
        assertTrue(e.getMessage().startsWith(begin), e.getMessage());
        return e.getMessage().substring(begin.length());
    }

    /** Sends the first {@code length} bytes with {@code count} files of sizes 1, 2, 3... */
    private void send(int count, long length) {
        List<Descriptor> files = IntStream.rangeClosed(1, count)
                .mapToObj(size -> MemFd.create("travel", size))
                .toList();
        try {
            one.send(bytes, 0, length, files.stream().mapToInt(Descriptor::fd).toArray());
        } finally {
            files.forEach(Descriptor::close);
        }
    }

    private static int receiveOne(UnixSocket socket) {
        try {
            return socket.receive(MemorySegment.ofArray(new byte[1]), 0, 1, new ArrayList<>());
        } catch (LostDescriptorsException e) {
            throw new AssertionError(e);
        }
    }

    private static void item(MemorySegment control, long at, long length, int type, int... content) {
        control.set(JAVA_LONG, at, length);
        control.set(JAVA_INT, at + 8, 1);
        control.set(JAVA_INT, at + 12, type);
        MemorySegment.copy(content, 0, control, JAVA_INT, at + 16, content.length);
    }
}
