package io.vhost.monitor;

import io.vhost.os.UnixSocket;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;

/** What one session has not sent yet. It dies with the session. Thread: the monitor's. */
final class Output {
    private static final int CHUNK = 4096;
    private static final byte[] NONE = {};

    private final UnixSocket socket;
    private final Deque<byte[]> pieces = new ArrayDeque<>();
    /** Small pieces that came last, one behind the other: each by itself would take many times its bytes. */
    private byte[] tail = NONE;
    private int tailEnd;
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
        if (piece.length > CHUNK - tailEnd) {
            sealTail();
        }
        if (piece.length > CHUNK) {
            pieces.add(piece);
        } else {
            if (tail.length == 0) {
                tail = new byte[CHUNK];
            }
            System.arraycopy(piece, 0, tail, tailEnd, piece.length);
            tailEnd += piece.length;
        }
        size += piece.length;
        peak = Math.max(peak, size);
    }

    /** Sends what the peer takes now, and keeps the rest; false if the peer is gone. */
    boolean flush() {
        while (size > 0) {
            if (pieces.isEmpty()) {
                sealTail();
            }
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

    /** Forgets all of it. */
    void clear() {
        pieces.clear();
        tail = NONE;
        tailEnd = 0;
        sentOfFirst = 0;
        size = 0;
    }

    private void sealTail() {
        if (tailEnd > 0) {
            pieces.add(tailEnd == tail.length ? tail : Arrays.copyOf(tail, tailEnd));
            tail = NONE;
            tailEnd = 0;
        }
    }
}
