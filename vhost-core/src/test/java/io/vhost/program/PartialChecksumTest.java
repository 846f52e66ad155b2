package io.vhost.program;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.net.NetHeader;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Packets whose checksum is still to be computed, and what a program does to them. */
class PartialChecksumTest {
    private static final int TCP = 6;
    private static final int UNTOUCHED = 0xBEEF;
    private static final int PAYLOAD = 20 + 100;

    private final PacketPool pool = PacketPool.create(1, 2048);
    private final Packet packet = one(pool);
    private final PartialChecksum checksum = new PartialChecksum();
    private int header;
    private int start;

    private static Packet one(PacketPool pool) {
        Packet[] packets = new Packet[1];
        assertEquals(1, pool.take(packets, 0, 1));
        return packets[0];
    }

    @AfterEach
    void close() {
        packet.release();
        pool.close();
    }

    /** Ethernet, tags, an IP header with what stands behind it, and TCP. */
    private void build(int tags, int version, byte... extensions) {
        header = 14 + 4 * tags;
        int addresses = version == 4 ? 20 : 40;
        start = header + addresses + extensions.length;
        packet.reset(start + PAYLOAD);
        for (int i = 0; i < packet.length(); i++) {
            packet.putByte(i, 0);
        }
        for (int tag = 0; tag < tags; tag++) {
            packet.putNetworkShort(12 + 4 * tag, tag == 0 ? 0x88A8 : 0x8100);
        }
        packet.putNetworkShort(header - 2, version == 4 ? 0x0800 : 0x86DD);
        if (version == 4) {
            packet.putByte(header, 0x45 + extensions.length / 4);
            packet.putNetworkShort(header + 2, packet.length() - header);
            packet.putByte(header + 9, TCP);
        } else {
            packet.putByte(header, 0x60);
            packet.putNetworkShort(header + 4, extensions.length + PAYLOAD);
            packet.putByte(header + 6,
                    extensions.length == 0 ? TCP : extensions[extensions.length - 1] & 0xFF);
        }
        for (int i = 0; i < extensions.length; i++) {
            packet.putByte(header + addresses + i, extensions[i]);
        }
        packet.requestChecksum(start, 16);
        packet.putNetworkShort(start + 16, UNTOUCHED);
        address(0x1234);
    }

    /** An extension header of IPv6; its last byte, which means nothing there, says which kind it is. */
    private static byte[] extension(int kind, int length, int... then) {
        byte[] bytes = new byte[length];
        bytes[0] = TCP;
        for (int i = 0; i < then.length; i++) {
            bytes[1 + i] = (byte) then[i];
        }
        bytes[length - 1] = (byte) kind;
        return bytes;
    }

    private void address(int last) {
        packet.putNetworkShort(header + (packet.byteAt(header) >> 4 == 4 ? 18 : 38), last);
    }

    private int sum() {
        return packet.networkShortAt(start + 16);
    }

    /** As RFC 1071 has it, without the complement. */
    private int pseudo(int payload) {
        boolean four = packet.byteAt(header) >> 4 == 4;
        long sum = (long) TCP + payload;
        for (int at = header + (four ? 12 : 8); at < header + (four ? 20 : 40); at += 2) {
            sum += packet.networkShortAt(at);
        }
        while (sum > 0xFFFF) {
            sum = (sum & 0xFFFF) + (sum >>> 16);
        }
        return (int) sum;
    }

    private void assertFollows(int payload) {
        checksum.before(packet);
        address(0x4321);
        checksum.after(packet);
        assertTrue(packet.needsChecksum());
        assertEquals(pseudo(payload), sum());
    }

    private void assertLeftAlone() {
        checksum.before(packet);
        address(0x4321);
        checksum.after(packet);
        assertEquals(UNTOUCHED, sum());
    }

    @ParameterizedTest
    @CsvSource({"0, 4", "1, 4", "4, 4", "0, 6", "4, 6"})
    void itFollowsTheAddresses(int tags, int version) {
        build(tags, version);
        assertFollows(PAYLOAD);
    }

    @Test
    void behindFiveTagsNothingIsKnown() {
        build(5, 4);
        assertLeftAlone();
    }

    @Test
    void optionsOfIpAreNoPayload() {
        build(0, 4, new byte[8]);
        assertFollows(PAYLOAD);
    }

    @Test
    void extensionsOfIpv6AreNoPayload() {
        build(0, 6, extension(0, 8, 0));
        assertFollows(PAYLOAD);
        build(0, 6, extension(60, 16, 1));
        assertFollows(PAYLOAD);
        build(0, 6, extension(44, 8, 9));
        assertFollows(PAYLOAD);
        build(0, 6, extension(43, 8, 0, 4, 0));
        assertFollows(PAYLOAD);
        build(0, 6, extension(51, 8, 0));
        assertLeftAlone();
    }

    /** The sum is for the last destination, which the header does not have yet (RFC 8200, section 8.1). */
    @Test
    void aRouteThatIsNotDoneIsLeftAlone() {
        build(0, 6, extension(43, 24, 2, 4, 1));
        assertLeftAlone();
    }

    /** Addresses whose sum carries twice. */
    @Test
    void theCarryIsAddedUntilThereIsNone() {
        build(0, 6);
        packet.putNetworkShort(header + 4, 0xFFFF);
        for (int last = 0xFF00; last <= 0xFFFF; last++) {
            checksum.before(packet);
            address(last);
            checksum.after(packet);
            assertEquals(pseudo(0xFFFF), sum());
        }
    }

    /** Of large packets IPv6 says no length (RFC 2675), and kernels do the same with IPv4. */
    @ParameterizedTest
    @ValueSource(ints = {4, 6})
    void aLengthThatIsNotSaidIsThatOfThePacket(int version) {
        build(0, version);
        packet.putNetworkShort(header + (version == 4 ? 2 : 4), 0);
        assertFollows(PAYLOAD);
    }

    @Test
    void whatHasNoHeaderAnyMoreGoesWithoutChecksum() {
        build(0, 4);
        checksum.before(packet);
        packet.putByte(header + 9, 17);
        checksum.after(packet);
        assertFalse(packet.needsChecksum());
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 0, -1})
    void aPacketIsCutUpToItsChecksum(int left) {
        build(0, 4);
        checksum.before(packet);
        packet.trimTail(packet.length() - (start + 18) - left);
        checksum.after(packet);
        assertEquals(left >= 0, packet.needsChecksum());
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 0, -1})
    void whatHasNothingBehindItsHeadersIsNotCut(int left) {
        build(0, 4);
        packet.offload(NetHeader.offload(
                NetHeader.NEEDS_CHECKSUM, NetHeader.GSO_TCPV4, start + 20, 40, start), 16);
        checksum.before(packet);
        packet.trimTail(packet.length() - (start + 20) - left);
        checksum.after(packet);
        assertTrue(packet.needsChecksum());
        assertEquals(left > 0 ? NetHeader.GSO_TCPV4 : NetHeader.GSO_NONE, packet.gsoType());
    }

    @Test
    void nobodyVouchesForWhatWasRewritten() {
        build(0, 4);
        packet.offload(NetHeader.offload(NetHeader.DATA_VALID, NetHeader.GSO_NONE, 0, 0, 0), 0);
        checksum.before(packet);
        checksum.after(packet);
        assertFalse(packet.dataValid());
        assertEquals(UNTOUCHED, sum());
    }

    /** One object for all packets of a thread: what was known of the last is not known of this one. */
    @Test
    void eachPacketIsLookedAtAnew() {
        build(0, 4);
        assertFollows(PAYLOAD);
        packet.putNetworkShort(start + 16, UNTOUCHED);
        packet.requestChecksum(start, 14);
        assertLeftAlone();
        byte[] before = new byte[packet.length()];
        packet.copyTo(before, 0);
        packet.clearOffload();
        checksum.before(packet);
        checksum.after(packet);
        byte[] after = new byte[packet.length()];
        packet.copyTo(after, 0);
        assertTrue(Arrays.equals(before, after));
    }
}
