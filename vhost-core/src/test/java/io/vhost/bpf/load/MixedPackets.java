package io.vhost.bpf.load;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.SplittableRandom;

/** Packets of many kinds with few addresses, some of them cut off: what a port of a switch may see. */
public final class MixedPackets {
    private static final int LARGEST = 600;
    private static final int UDP = 17;
    private static final int TCP = 6;
    private static final int[] PORTS = {53, 67, 80, 443, 1024, 20_000, 20_001, 20_002, 53_000};
    private static final byte[][] NAMES = {name("example", "org"), name("Example", "ORG"), name("a"),
        name("www", "example", "com"), name("very", "long", "name", "with", "labels"),
        {63, 'x'}, {(byte) 192, 12}};

    private final SplittableRandom random;

    /** The same packets for the same seed. */
    public MixedPackets(SplittableRandom random) {
        this.random = random;
    }

    private static byte[] name(String... labels) {
        ByteBuffer name = ByteBuffer.allocate(128);
        for (String label : labels) {
            name.put((byte) label.length()).put(label.getBytes(StandardCharsets.US_ASCII));
        }
        name.put((byte) 0);
        return Arrays.copyOf(name.array(), name.position());
    }

    /** The next one. */
    public byte[] next() {
        ByteBuffer packet = ByteBuffer.allocate(LARGEST);
        random.nextBytes(packet.array());
        packet.position(12);
        int tags = Math.max(0, random.nextInt(8) - 5);
        for (int i = 0; i < tags; i++) {
            packet.putShort((short) (i == 0 && tags > 1 ? 0x88a8 : 0x8100));
            packet.putShort((short) (random.nextInt(8) << 13 | random.nextInt(12)));
        }
        switch (random.nextInt(10)) {
            case 0 -> packet.putShort((short) 0x0806);
            case 1, 2 -> v6(packet);
            default -> v4(packet);
        }
        int end = Math.max(14, packet.position());
        int length = random.nextInt(8) == 0 ? random.nextInt(14, end + 1)
                : Math.min(LARGEST, end + random.nextInt(3) * random.nextInt(40));
        return Arrays.copyOf(packet.array(), length);
    }

    private void v4(ByteBuffer packet) {
        packet.putShort((short) 0x0800);
        int ip = packet.position();
        int options = random.nextInt(8) == 0 ? 4 : 0;
        int proto = random.nextInt(6) == 0 ? 1 : random.nextInt(3) == 0 ? TCP : UDP;
        packet.put((byte) (0x45 + options / 4)).put((byte) 0).putShort((short) 0).putShort((short) 7);
        packet.putShort((short) (random.nextInt(16) == 0 ? 0x2010 : 0x4000));
        packet.put((byte) random.nextInt(1, 65)).put((byte) proto).putShort((short) 0);
        packet.put(random.nextInt(4) == 0 ? new byte[] {8, 8, 8, (byte) random.nextInt(4)}
                : new byte[] {10, 0, (byte) random.nextInt(2), (byte) random.nextInt(12)});
        packet.put(random.nextInt(3) == 0 ? new byte[] {(byte) 192, (byte) 168, 1, 1}
                : new byte[] {10, 0, 0, (byte) (100 + random.nextInt(3))});
        packet.position(packet.position() + options);
        transport(packet, proto);
        packet.putShort(ip + 2, (short) (packet.position() - ip));
        packet.putShort(ip + 10, checksum(packet, ip, 20 + options));
    }

    private void v6(ByteBuffer packet) {
        packet.putShort((short) 0x86dd);
        int proto = random.nextBoolean() ? TCP : UDP;
        int[] headers = random.ints(random.nextInt(4), 0, 5).map(i -> new int[] {0, 43, 44, 51, 60}[i])
                .toArray();
        packet.putInt(0x60000000).putShort((short) 0);
        packet.put((byte) (headers.length > 0 ? headers[0] : proto)).put((byte) 64);
        int length = packet.position() - 4;
        for (int i = 0; i < 2; i++) {
            packet.put(new byte[] {(byte) 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, (byte) i,
                (byte) random.nextInt(6)});
        }
        for (int i = 0; i < headers.length; i++) {
            packet.put((byte) (i + 1 < headers.length ? headers[i + 1] : proto));
            int words = headers[i] == 44 ? 0 : random.nextInt(2);
            packet.put((byte) words);
            int size = headers[i] == 51 ? (words + 2) * 4 : (words + 1) * 8;
            packet.position(packet.position() + size - 2);
        }
        transport(packet, proto);
        packet.putShort(length, (short) (packet.position() - length - 36));
    }

    private void transport(ByteBuffer packet, int proto) {
        int dest = PORTS[random.nextInt(PORTS.length)];
        if (proto != TCP && proto != UDP) {
            packet.position(packet.position() + 8);
            return;
        }
        packet.putShort((short) (1000 + random.nextInt(4))).putShort((short) dest);
        if (proto == TCP) {
            packet.putLong(0).put((byte) 0x50).put((byte) (1 << random.nextInt(5))).putShort((short) 99);
            packet.position(packet.position() + 4 + random.nextInt(20));
            return;
        }
        int length = packet.position();
        packet.putShort((short) 0).putShort((short) (random.nextInt(3) == 0 ? 0 : random.nextInt()));
        if (dest == 53) {
            packet.putShort((short) 5).putShort((short) (random.nextInt(6) == 0 ? 0x8100 : 0x0100));
            packet.putShort((short) 1).putShort((short) 0).putInt(0);
            packet.put(NAMES[random.nextInt(NAMES.length)]).putInt(0x00010001);
        } else if (dest == 67) {
            dhcp(packet);
        } else {
            packet.position(packet.position() + random.nextInt(60));
        }
        packet.putShort(length, (short) (packet.position() - length + 4));
    }

    private void dhcp(ByteBuffer packet) {
        packet.position(packet.position() + 236);
        packet.putInt(0x63825363).put((byte) 53).put((byte) 1).put((byte) 1);
        for (int i = random.nextInt(4); i > 0; i--) {
            int length = random.nextInt(9);
            packet.put((byte) (1 + random.nextInt(80))).put((byte) length);
            packet.position(packet.position() + length);
        }
        if (random.nextInt(5) > 0) {
            packet.put((byte) 255);
        }
        for (int i = random.nextInt(30); i > 0; i--) {
            packet.put((byte) 0);
        }
    }

    private static short checksum(ByteBuffer packet, int from, int length) {
        int sum = 0;
        for (int i = 0; i < length; i += 2) {
            sum += packet.getShort(from + i) & 0xFFFF;
        }
        while (sum >>> 16 != 0) {
            sum = (sum & 0xFFFF) + (sum >>> 16);
        }
        return (short) ~sum;
    }
}
