package io.vhost.protocol;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.os.UnixSocket;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Messages at the bounds of what a message may be. */
class MessageCodecTest {
    private final UnixSocket[] ends = UnixSocket.pair();
    private final Arena arena = Arena.ofShared();
    private final Message message = new Message(arena);
    private final MessageCodec codec = new MessageCodec(ends[1]);
    private final RawPeer peer = new RawPeer(ends[0]);

    @AfterEach
    void close() {
        peer.close();
        ends[1].discard();
        arena.close();
    }

    private void send(int size, int payload) {
        peer.sendBytes(ByteBuffer.allocate(Message.HEADER + payload).order(ByteOrder.nativeOrder())
                .putInt(1).putInt(Message.VERSION).putInt(size).array());
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, Message.MAX_PAYLOAD - 1, Message.MAX_PAYLOAD})
    void aMessageIsReadToItsEndAndNoFurther(int size) throws ProtocolException {
        send(size, size);
        send(0, 0);
        assertTrue(codec.receive(message));
        assertEquals(size, message.size());
        assertTrue(codec.receive(message));
        assertEquals(0, message.size());
        peer.close();
        assertFalse(codec.receive(message));
    }

    @ParameterizedTest
    @ValueSource(ints = {Message.MAX_PAYLOAD + 1, Integer.MAX_VALUE, Integer.MIN_VALUE, -1})
    void aMessageThatIsTooLongIsRefused(int size) {
        send(size, 0);
        String text = assertThrows(ProtocolException.class, () -> codec.receive(message)).getMessage();
        assertTrue(text.contains("size must not exceed " + Message.MAX_PAYLOAD), text);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, Message.HEADER - 1, Message.HEADER, Message.HEADER + 1})
    void anEndInsideAMessageIsNoGoodOne(int bytes) {
        peer.sendBytes(Arrays.copyOf(ByteBuffer.allocate(Message.HEADER + 8).order(ByteOrder.nativeOrder())
                .putInt(1).putInt(Message.VERSION).putInt(8).array(), bytes));
        peer.close();
        String text = assertThrows(ProtocolException.class, () -> codec.receive(message)).getMessage();
        assertTrue(text.contains("inside a message, after " + bytes + " bytes of "), text);
    }

    @Test
    void numbersThatNoMessageHasAreUnknown() {
        Map<Integer, Request> known = Arrays.stream(Request.values())
                .collect(Collectors.toMap(Request::id, Function.identity()));
        int most = known.keySet().stream().mapToInt(Integer::intValue).max().orElseThrow();
        for (int id = -2; id <= most + 2; id++) {
            assertSame(known.get(id), Request.of(id));
        }
        assertNull(Request.of(Integer.MIN_VALUE));
        assertNull(Request.of(Integer.MAX_VALUE));
    }

    /** Rounded up: a wait that ended too early would be taken for the end of the time. */
    @Test
    void whatIsLeftOfATimeIsNeverLess() {
        assertEquals(-1, Deadline.NEVER.remainingMillis());
        assertEquals(0, Deadline.after(Duration.ofSeconds(-1)).remainingMillis());
        int left = Deadline.after(Duration.ofDays(1)).remainingMillis();
        assertTrue(left > 0 && left <= Duration.ofDays(1).toMillis(), () -> left + " ms");
        assertEquals(Integer.MAX_VALUE, Deadline.after(Duration.ofDays(1000)).remainingMillis());
    }
}
