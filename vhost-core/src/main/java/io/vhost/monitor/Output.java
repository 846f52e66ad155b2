package io.vhost.monitor;

import io.vhost.os.UnixSocket;
import java.util.ArrayDeque;
import java.util.Deque;

/** What one session has not sent yet. It dies with the session. Thread: the monitor's. */
final class Output {
    private final UnixSocket socket;
    private final Deque<byte[]> pieces = new ArrayDeque<>();
    private int sentOfFirst;
    private long size;
    private long peak;

    Output(UnixSocket socket) {
        this.socket = socket;
    }

    /** Bytes that wait. */
    long size() {
        return size;
    }

    /** Most bytes that have waited at once. */
    long peak() {
        return peak;
    }

    /** Queues some bytes, at least one. */
    void add(byte[] piece) {
        pieces.add(piece);
        size += piece.length;
        peak = Math.max(peak, size);
    }

    /** Sends what the peer takes now, and keeps the rest; false if the peer is gone. */
    boolean flush() {
        while (size > 0) {
            byte[] first = pieces.getFirst();
            int sent = socket.trySend(first, sentOfFirst, first.length - sentOfFirst);
            if (sent < 0) {
                return false;
            }
            if (sent == 0) {
                return true;
            }
            size -= sent;
            sentOfFirst += sent;
            if (sentOfFirst == first.length) {
                pieces.removeFirst();
                sentOfFirst = 0;
            }
        }
        return true;
    }
}
