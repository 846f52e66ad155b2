package io.vhost.driver;

import static io.vhost.protocol.RawPeer.REPLY;

import io.vhost.os.OsException;
import io.vhost.os.UnixListener;
import io.vhost.os.UnixSocket;
import io.vhost.protocol.RawPeer;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A back-end that answers as it is told, touches no memory, and serves one driver.
 * Messages are given by their numbers.
 */
final class ScriptedBackEnd implements AutoCloseable {
    static final int GET_FEATURES = 1;
    static final int GET_VRING_BASE = 11;
    static final int GET_PROTOCOL_FEATURES = 15;
    static final int GET_QUEUE_NUM = 17;

    private static final int NEED_REPLY = 8;

    private final UnixListener listener;
    private final Thread thread;
    private final Map<Integer, Long> answers = new ConcurrentHashMap<>();
    private volatile UnixSocket socket;
    private int left = Integer.MAX_VALUE;
    private byte[] lastWords = {};

    /** A back-end with these features and protocol features, and one queue pair. */
    ScriptedBackEnd(Path path, long features, long protocolFeatures) {
        listener = UnixListener.bind(path);
        answers.put(GET_FEATURES, features);
        answers.put(GET_PROTOCOL_FEATURES, protocolFeatures);
        answers.put(GET_QUEUE_NUM, 1L);
        thread = Thread.ofPlatform().unstarted(this::serve);
    }

    ScriptedBackEnd start() {
        thread.start();
        return this;
    }

    /** What a message is answered with; for most of them anything but 0 is a refusal. */
    ScriptedBackEnd answer(int id, long value) {
        answers.put(id, value);
        return this;
    }

    /** Sends {@code words} and goes after some messages. */
    ScriptedBackEnd leaveAfter(int messages, byte... words) {
        left = messages;
        lastWords = words;
        return this;
    }

    /** Goes at once. */
    void leave() {
        socket.shutdown();
    }

    private void serve() {
        socket = listener.accept();
        try (RawPeer accepted = new RawPeer(socket)) {
            while (left-- > 0) {
                RawPeer.Answer message = accepted.receive();
                if (message == null) {
                    return;
                }
                int id = message.id();
                if (id == GET_VRING_BASE) {
                    accepted.send(id, REPLY, (int) message.u64(), 0);
                } else if (id == GET_FEATURES || id == GET_PROTOCOL_FEATURES || id == GET_QUEUE_NUM
                        || (message.flags() & NEED_REPLY) != 0) {
                    accepted.send(id, REPLY, answers.getOrDefault(id, 0L));
                }
            }
            if (lastWords.length > 0) {
                accepted.sendBytes(lastWords);
            }
        } catch (OsException gone) {
            return;   // the driver, while it was being answered
        }
    }

    @Override
    public void close() {
        try {
            thread.join();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
        listener.close();
    }
}
