package io.vhost.pcap;

import java.io.IOException;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/** Reads pcapng: blocks, of which those with packets and what describes them count. Thread: one. */
final class PcapngReader extends PcapReader {
    private static final int RESOLUTION = 9;
    private static final int MAX_INTERFACES = 1 << 16;

    private final List<Interface> interfaces = new ArrayList<>();
    private ByteOrder order = ByteOrder.BIG_ENDIAN;
    private int linkType = CaptureFormat.ETHERNET;

    /** Where packets came from: {@code perSecond} time stamps are a second. */
    private record Interface(int linkType, int snapLength, BigInteger perSecond) {
    }

    PcapngReader(PcapInput input) throws IOException {
        super(input);
        section();
    }

    /** The rest of a section's header, behind its type; it tells the byte order. */
    private void section() throws IOException {
        ByteBuffer start = input.read(8, ByteOrder.BIG_ENDIAN);
        int mark = start.getInt(4);
        if (mark != CaptureFormat.BYTE_ORDER && mark != Integer.reverseBytes(CaptureFormat.BYTE_ORDER)) {
            throw input.wrong("byte-order magic " + Integer.toHexString(mark));
        }
        order = mark == CaptureFormat.BYTE_ORDER ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN;
        int length = start.order(order).getInt(0);
        checkLength(length, 28);
        input.read(length - 12, order);
        interfaces.clear();
    }

    private void checkLength(int length, int least) throws PcapException {
        if (length < least || length > CaptureFormat.MAX_BLOCK || (length & 3) != 0) {
            throw input.wrong("a block of " + Integer.toUnsignedString(length) + " bytes");
        }
    }

    @Override
    public CapturedPacket next() throws IOException {
        while (true) {
            ByteBuffer type = input.readOrEnd(4, order);
            if (type == null) {
                return null;
            }
            if (type.getInt(0) == CaptureFormat.SECTION) {
                section();
                continue;
            }
            int length = input.read(4, order).getInt(0);
            checkLength(length, 12);
            ByteBuffer body = input.read(length - 8, order);
            body.limit(length - 12);
            switch (type.getInt(0)) {
                case CaptureFormat.INTERFACE -> addInterface(body);
                case CaptureFormat.ENHANCED -> {
                    return enhanced(body);
                }
                case CaptureFormat.SIMPLE -> {
                    return simple(body);
                }
                default -> { }
            }
        }
    }

    private void addInterface(ByteBuffer body) throws PcapException {
        if (body.limit() < 8 || interfaces.size() == MAX_INTERFACES) {
            throw input.wrong("interface " + interfaces.size() + " described by " + body.limit() + " bytes");
        }
        BigInteger perSecond = BigInteger.valueOf(1_000_000);
        int at = 8;
        while (at + 4 <= body.limit() && body.getShort(at) != 0) {
            int length = body.getShort(at + 2) & 0xFFFF;
            if (body.getShort(at) == RESOLUTION && length == 1 && at + 4 < body.limit()) {
                int resolution = body.get(at + 4);
                perSecond = BigInteger.valueOf(resolution < 0 ? 2 : 10).pow(resolution & 0x7F);
            }
            at += 4 + (length + 3 & ~3);
        }
        interfaces.add(new Interface(body.getShort(0) & 0xFFFF, body.getInt(4), perSecond));
    }

    private Interface at(int number) throws PcapException {
        if (number < 0 || number >= interfaces.size()) {
            throw input.wrong("a packet of interface " + Integer.toUnsignedString(number) + " of "
                    + interfaces.size());
        }
        linkType = interfaces.get(number).linkType;
        return interfaces.get(number);
    }

    private CapturedPacket enhanced(ByteBuffer body) throws PcapException {
        if (body.limit() < 20) {
            throw input.wrong("a packet's block with " + body.limit() + " bytes");
        }
        BigInteger perSecond = at(body.getInt(0)).perSecond;
        long stamp = (long) body.getInt(4) << 32 | Integer.toUnsignedLong(body.getInt(8));
        long time = new BigInteger(Long.toUnsignedString(stamp))
                .multiply(BigInteger.valueOf(CaptureFormat.BILLION)).divide(perSecond).longValue();
        return packet(body, 20, time, body.getInt(12), body.getInt(16));
    }

    private CapturedPacket simple(ByteBuffer body) throws PcapException {
        if (body.limit() < 4) {
            throw input.wrong("a packet's block with " + body.limit() + " bytes");
        }
        int snapLength = at(0).snapLength;
        int length = body.getInt(0);
        int captured = Math.min(length, body.limit() - 4);
        return packet(body, 4, 0, snapLength > 0 ? Math.min(captured, snapLength) : captured, length);
    }

    private CapturedPacket packet(ByteBuffer body, int start, long time, int captured, int length)
            throws PcapException {
        if (captured < 0 || captured > Math.min(body.limit() - start, CaptureFormat.MAX_LENGTH)) {
            throw input.wrong("a packet of " + Integer.toUnsignedString(captured) + " bytes in a block with "
                    + (body.limit() - start));
        }
        byte[] bytes = new byte[captured];
        body.get(start, bytes);
        return new CapturedPacket(time, length, bytes);
    }

    @Override
    public int linkType() {
        return linkType;
    }
}
