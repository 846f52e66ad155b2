package io.vhost.protocol;

import io.vhost.device.ProtocolFeature;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * Which answers a stream of messages has, without any code of the session: those of its own to all messages
 * that have one, and an acknowledgement to each other one that asks for it once that was negotiated. A
 * session that ends early has given the first of these.
 */
final class ReplyModel {
    /** Of the message that no session takes, with which scripts end. */
    static final int END = 0x454E_4421;

    private static final int HEADER = 12;
    private static final int MOST_PAYLOAD = 4096;
    private static final int REPLY = 4;
    private static final int NEED_REPLY = 8;
    private static final int SET_PROTOCOL_FEATURES = 16;
    private static final long REPLY_ACK = 1L << 3;

    private final List<Integer> expected = new ArrayList<>();
    private boolean complete;
    private boolean acknowledges;

    ReplyModel(byte[] stream) {
        ByteBuffer bytes = ByteBuffer.wrap(stream).order(ByteOrder.LITTLE_ENDIAN);
        int at = 0;
        while (at + HEADER <= stream.length) {
            int id = bytes.getInt(at);
            int flags = bytes.getInt(at + 4);
            int size = bytes.getInt(at + 8);
            boolean broken = (flags & 3) != 1 || size < 0 || size > MOST_PAYLOAD;
            if (broken || at + HEADER + size > stream.length) {
                complete = id == END;
                return;
            }
            message(id, flags, size == 8 ? bytes.getLong(at + HEADER) : -1);
            at += HEADER + size;
        }
    }

    private void message(int id, int flags, long value) {
        if (id == SET_PROTOCOL_FEATURES && (flags & REPLY) == 0 && accepted(value)) {
            acknowledges = (value & REPLY_ACK) != 0;
        }
        Request request = Request.of(id);
        boolean own = request != null && request.reply() == Request.Reply.OWN;
        if (own || ((flags & NEED_REPLY) != 0 && acknowledges)) {
            expected.add(id);
        }
    }

    /** Bits that have no name mean nothing. */
    private static boolean accepted(long features) {
        long named = features & ProtocolFeature.mask(ProtocolFeature.values());
        return (named & ~FuzzTarget.CONFIG.protocolFeatures()) == 0;
    }

    void check(List<RawPeer.Answer> answers, List<String> records) {
        List<Integer> ids = answers.stream().map(RawPeer.Answer::id).toList();
        FuzzTarget.require(ids.size() <= expected.size() && expected.subList(0, ids.size()).equals(ids),
                "answers " + ids + ", expected are " + expected + " or the first of them");
        for (RawPeer.Answer answer : answers) {
            FuzzTarget.require(answer.flags() == RawPeer.REPLY, answer.head());
            boolean own = Request.of(answer.id()) != null
                    && Request.of(answer.id()).reply() == Request.Reply.OWN;
            FuzzTarget.require(own || (answer.size() == 8 && (answer.u64() == 0 || answer.u64() == 1)),
                    "no acknowledgement: " + answer);
        }
        String end = "request " + END;
        boolean reached = complete && !records.isEmpty() && records.getLast().contains(end);
        FuzzTarget.require(!reached || ids.equals(expected),
                "answers " + ids + " of a session that has seen all, expected are " + expected);
        FuzzTarget.require(records.stream().anyMatch(text -> text.endsWith("connection closed")),
                "the connection ended without a word: " + records);
    }
}
