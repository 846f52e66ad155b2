package io.vhost.net;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SegmenterTest {
    private static final int OPTIONS = 12;
    private static final int FIN_PSH_ACK_CWR = 0x01 | 0x08 | 0x10 | 0x80;

    private final PacketPool pool = PacketPool.create(2, 70_000);
    private final Packet packet = pool.take();
    private final Packet segment = pool.take();
    private final Segmenter segmenter = new Segmenter();

    @AfterEach
    void release() {
        packet.release();
        segment.release();
        pool.close();
    }

    /** A TCP packet with options, perhaps behind a VLAN tag; returns where TCP begins. */
    private int fill(boolean version4, boolean vlan, int payload, int size) {
        int ip = vlan ? 18 : 14;
        int tcp = ip + (version4 ? 20 : 40);
        packet.reset(tcp + 20 + OPTIONS + payload);
        for (int i = 0; i < packet.length(); i++) {
            packet.putByte(i, i * 7 + i / 251);
        }
        if (vlan) {
            packet.putNetworkShort(12, 0x8100);
        }
        packet.putNetworkShort(ip - 2, version4 ? 0x0800 : 0x86DD);
        packet.putByte(ip, version4 ? 0x45 : 0x60);
        if (version4) {
            packet.putNetworkShort(ip + 4, 0xFFFE);
            packet.putByte(ip + 9, 6);
        } else {
            packet.putByte(ip + 6, 6);
        }
        packet.putNetworkInt(tcp + 4, -100);
        packet.putByte(tcp + 12, ((20 + OPTIONS) / 4) << 4);
        packet.putByte(tcp + 13, FIN_PSH_ACK_CWR);
        int type = version4 ? NetHeader.GSO_TCPV4 | NetHeader.GSO_ECN : NetHeader.GSO_TCPV6;
        packet.offload(NetHeader.offload(NetHeader.NEEDS_CHECKSUM, type, 0, size, tcp), 16);
        return tcp;
    }

    @ParameterizedTest
    @CsvSource({"true,false,1448,1448", "true,true,4000,1448", "false,false,64000,1428",
            "false,true,1429,1428", "true,false,1,48"})
    void theSegmentsAreThePacketInOrder(boolean version4, boolean vlan, int payload, int size) {
        int tcp = fill(version4, vlan, payload, size);
        int headers = tcp + 20 + OPTIONS;
        int ip = vlan ? 18 : 14;
        int count = segmenter.begin(packet);
        assertEquals((payload + size - 1) / size, count);
        ByteArrayOutputStream data = new ByteArrayOutputStream();
        for (int i = 0; i < count; i++) {
            segmenter.next(segment);
            boolean last = i == count - 1;
            assertEquals(headers + (last ? payload - i * size : size), segment.length());
            assertEquals(-100 + i * size, segment.networkIntAt(tcp + 4), "sequence number");
            assertEquals(0x10 | (i == 0 ? 0x80 : 0) | (last ? 0x09 : 0), segment.byteAt(tcp + 13), "flags");
            if (version4) {
                assertEquals(segment.length() - ip, segment.networkShortAt(ip + 2), "total length");
                assertEquals((0xFFFE + i) & 0xFFFF, segment.networkShortAt(ip + 4), "identification");
                assertEquals(0xFFFF, sum(ip, 20), "header checksum");
            } else {
                assertEquals(segment.length() - tcp, segment.networkShortAt(ip + 4), "payload length");
            }
            assertEquals(NetHeader.GSO_NONE, segment.gsoType());
            InternetChecksum.complete(segment);
            int pseudo = (version4 ? sum(ip + 12, 8) : sum(ip + 8, 32)) + 6 + segment.length() - tcp;
            int whole = pseudo + sum(tcp, segment.length() - tcp);
            assertEquals(0, whole % 0xFFFF, "TCP checksum");
            byte[] bytes = new byte[segment.length()];
            segment.copyTo(bytes, 0);
            data.write(bytes, headers, bytes.length - headers);
        }
        byte[] all = new byte[packet.length()];
        packet.copyTo(all, 0);
        assertArrayEquals(Arrays.copyOfRange(all, headers, all.length), data.toByteArray());
    }

    /** The field holds the sum with its carry added, whatever the addresses add up to. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 0xFFFF - 6 - 1020 - 1, 0xFFFF - 6 - 1020, 0xFFFF - 6 - 1020 + 1, 0xFFFF})
    void theSumOfThePseudoHeaderIsFolded(int addresses) {
        int tcp = fill(true, false, 2000, 1000 - OPTIONS);
        packet.putNetworkInt(26, 0);
        packet.putNetworkInt(30, addresses);
        assertEquals(3, segmenter.begin(packet));
        segmenter.next(segment);
        int sum = addresses + 6 + 20 + OPTIONS + 1000 - OPTIONS;
        assertEquals(sum > 0xFFFF ? sum - 0xFFFF : sum, segment.networkShortAt(tcp + 16));
    }

    private int sum(int position, int length) {
        return InternetChecksum.sum(segment.segment(), segment.dataOffset() + position, length);
    }

    @Test
    void aPacketThatIsNotWhatItSaysIsNotCut() {
        int tcp = fill(true, false, 4000, 1448);
        packet.offload(NetHeader.offload(NetHeader.NEEDS_CHECKSUM, NetHeader.GSO_TCPV6, 0, 1448, tcp), 16);
        assertEquals(0, segmenter.begin(packet), "the other version");
        packet.offload(NetHeader.offload(NetHeader.NEEDS_CHECKSUM, NetHeader.GSO_TCPV4, 0, 47, tcp), 16);
        assertEquals(0, segmenter.begin(packet), "tiny segments");
        packet.offload(NetHeader.offload(NetHeader.NEEDS_CHECKSUM, NetHeader.GSO_TCPV4, 0, 1448, tcp), 6);
        assertEquals(0, segmenter.begin(packet), "checksum of UDP");
        packet.offload(
                NetHeader.offload(NetHeader.NEEDS_CHECKSUM, NetHeader.GSO_TCPV4, 0, 1448, tcp + 4), 16);
        assertEquals(0, segmenter.begin(packet), "another start");
        packet.offload(NetHeader.offload(0, NetHeader.GSO_TCPV4, 0, 1448, tcp), 16);
        assertEquals(0, segmenter.begin(packet), "no checksum");
        fill(true, false, 4000, 1448);
        packet.putByte(tcp + 12, 0x40);
        assertEquals(0, segmenter.begin(packet), "TCP header too short");
        packet.putByte(tcp + 12, 0xF0);
        packet.trimTail(4000 + OPTIONS);
        assertEquals(0, segmenter.begin(packet), "TCP header beyond the end");
    }

    /** At each length, from one without an Ethernet header on. */
    @ParameterizedTest
    @CsvSource({"true,false", "true,true", "false,false", "false,true"})
    void aPacketIsCutWhereThereIsSomethingBehindItsHeaders(boolean version4, boolean vlan) {
        int tcp = fill(version4, vlan, 100, 48);
        int headers = tcp + 20 + OPTIONS;
        for (int length = headers + 100; length > 0; length--) {
            packet.trimTail(packet.length() - length);
            assertEquals(length <= headers ? 0 : (length - headers + 47) / 48, segmenter.begin(packet),
                    "length=" + length);
            if (length > headers) {
                assertEquals(Math.min(length, headers + 48), segmenter.longest());
            }
        }
    }

    @Test
    void aTcpHeaderWithoutOptionsIsTheShortest() {
        for (boolean version4 : new boolean[] {true, false}) {
            int tcp = fill(version4, false, 1, 48);
            packet.putByte(tcp + 12, 0x50);
            packet.trimTail(OPTIONS);
            assertEquals(1, segmenter.begin(packet));
            packet.trimTail(1);
            assertEquals(0, segmenter.begin(packet), "no payload");
        }
    }

    @Test
    void otherProtocolsAndHeadersThatEndElsewhereAreNotCut() {
        int tcp = fill(true, false, 100, 48);
        packet.putByte(14 + 9, 17);
        assertEquals(0, segmenter.begin(packet), "UDP");
        packet.putByte(14 + 9, 6);
        packet.putByte(14, 0x46);
        assertEquals(0, segmenter.begin(packet), "options of IPv4 before another start");
        packet.putByte(14, 0x44);
        packet.offload(NetHeader.offload(NetHeader.NEEDS_CHECKSUM, NetHeader.GSO_TCPV4, 0, 48, tcp - 4), 16);
        assertEquals(0, segmenter.begin(packet), "IPv4 header too short");
        tcp = fill(false, false, 100, 48);
        packet.offload(NetHeader.offload(NetHeader.NEEDS_CHECKSUM, NetHeader.GSO_TCPV6, 0, 48, tcp - 1), 16);
        assertEquals(0, segmenter.begin(packet), "IPv6 header too short");
    }
}
