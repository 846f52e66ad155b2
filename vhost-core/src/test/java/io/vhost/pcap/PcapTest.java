package io.vhost.pcap;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Captures written and read, and broken ones. */
class PcapTest {
    private static byte[] file(boolean blocks, CapturedPacket... packets) throws IOException {
        var bytes = new ByteArrayOutputStream();
        try (PcapWriter writer = blocks ? PcapWriter.pcapng(bytes, CaptureFormat.ETHERNET)
                : PcapWriter.pcap(bytes, CaptureFormat.ETHERNET)) {
            for (CapturedPacket packet : packets) {
                writer.write(packet);
            }
        }
        return bytes.toByteArray();
    }

    private static List<CapturedPacket> read(byte[] file) throws IOException {
        List<CapturedPacket> packets = new ArrayList<>();
        try (PcapReader reader = Captures.open(new ByteArrayInputStream(file))) {
            for (CapturedPacket packet = reader.next(); packet != null; packet = reader.next()) {
                packets.add(packet);
            }
            assertEquals(CaptureFormat.ETHERNET, reader.linkType());
        }
        return packets;
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whatIsWrittenIsRead(boolean blocks) throws IOException {
        CapturedPacket[] packets = new CapturedPacket[6];
        for (int i = 0; i < packets.length; i++) {
            byte[] bytes = new byte[i == 5 ? CaptureFormat.MAX_LENGTH : i];
            Arrays.fill(bytes, (byte) (i + 1));
            packets[i] = new CapturedPacket(1_700_000_000_123_456_789L + i, 2_000_000 + i, bytes);
        }
        List<CapturedPacket> read = read(file(blocks, packets));
        assertEquals(packets.length, read.size());
        for (int i = 0; i < packets.length; i++) {
            assertEquals(packets[i].nanoseconds(), read.get(i).nanoseconds());
            assertEquals(packets[i].length(), read.get(i).length());
            assertArrayEquals(packets[i].bytes(), read.get(i).bytes());
        }
        assertThrows(IllegalArgumentException.class,
                () -> new CapturedPacket(0, 0, new byte[CaptureFormat.MAX_LENGTH + 1]));
    }

    @ParameterizedTest
    @ValueSource(strings = {"LITTLE_ENDIAN", "BIG_ENDIAN"})
    void microsecondsOfEitherByteOrderAreRead(String order) throws IOException {
        ByteBuffer file = ByteBuffer.allocate(24 + 16 + 2);
        file.order(order.equals("BIG_ENDIAN") ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN);
        file.putInt(0xA1B2C3D4).putShort((short) 2).putShort((short) 4).putLong(0).putInt(65535).putInt(1);
        file.putInt(7).putInt(999_999).putInt(2).putInt(60).put((byte) 8).put((byte) 9);
        CapturedPacket packet = read(file.array()).getFirst();
        assertEquals(7_999_999_000L, packet.nanoseconds());
        assertArrayEquals(new byte[] {8, 9}, packet.bytes());
    }

    @Test
    void simplePacketsAndUnknownBlocksAreRead() throws IOException {
        ByteBuffer file = ByteBuffer.allocate(28 + 20 + 16 + 20).order(ByteOrder.BIG_ENDIAN);
        file.putInt(0x0A0D0D0A).putInt(28).putInt(0x1A2B3C4D).putInt(0x10000).putLong(-1).putInt(28);
        file.putInt(1).putInt(20).putShort((short) 1).putShort((short) 0).putInt(3).putInt(20);
        file.putInt(5).putInt(16).putInt(0).putInt(16);
        file.putInt(3).putInt(20).putInt(60).putInt(0x01020304).putInt(20);
        CapturedPacket packet = read(file.array()).getFirst();
        assertArrayEquals(new byte[] {1, 2, 3}, packet.bytes());
        assertEquals(60, packet.length());
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aFileThatWasCutOffIsReadUpToThere(boolean blocks) throws IOException {
        byte[] file = file(blocks, new CapturedPacket(0, 4, new byte[4]),
                new CapturedPacket(0, 4, new byte[4]));
        try (PcapReader reader = Captures.open(
                new ByteArrayInputStream(Arrays.copyOf(file, file.length - 1)))) {
            assertEquals(4, reader.next().bytes().length);
            PcapException broken = assertThrows(PcapException.class, reader::next);
            assertTrue(broken.offset() > 0 && broken.getMessage().contains("cut off"), broken.getMessage());
        }
    }

    @Test
    void whatIsNoCaptureIsRefused() throws IOException {
        assertThrows(PcapException.class, () -> read(new byte[0]));
        assertThrows(PcapException.class, () -> read(new byte[] {0x7F, 'E', 'L', 'F', 0, 0}));
        byte[] file = file(false, new CapturedPacket(0, 4, new byte[4]));
        ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).putInt(32, CaptureFormat.MAX_LENGTH + 1);
        assertThrows(PcapException.class, () -> read(file));
        try (PcapReader reader = Captures.open(new ByteArrayInputStream(file(true)))) {
            assertNull(reader.next());
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aDamagedFileEndsInATypedError(boolean blocks) throws IOException {
        byte[] whole = file(blocks, new CapturedPacket(5, 9, new byte[9]),
                new CapturedPacket(6, 4, new byte[4]));
        SplittableRandom random = new SplittableRandom(9);
        int refused = 0;
        for (int i = 0; i < 20_000; i++) {
            byte[] file = whole.clone();
            file[random.nextInt(file.length)] = (byte) random.nextInt();
            file[random.nextInt(file.length)] = (byte) random.nextInt();
            try {
                read(file);
            } catch (PcapException e) {
                refused++;
            } catch (AssertionError e) {
                // another link type
            }
        }
        assertTrue(refused > 1_000, "refused " + refused);
    }
}
