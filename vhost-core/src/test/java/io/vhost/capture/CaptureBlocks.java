package io.vhost.capture;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The blocks of a little-endian pcapng file, read by its description, and by no code of the library's. */
public final class CaptureBlocks {
    public static final int INTERFACE = 1;
    public static final int STATISTICS = 5;
    public static final int PACKET = 6;

    private CaptureBlocks() {}

    /** A block; options by their number. */
    public record Block(int type, ByteBuffer body, Map<Integer, byte[]> options) {
        public int number() {
            return body.getInt(0);
        }

        public String text(int option) {
            return options.containsKey(option)
                    ? new String(options.get(option), StandardCharsets.UTF_8) : "";
        }

        public long number(int option) {
            ByteBuffer value = ByteBuffer.wrap(options.get(option)).order(ByteOrder.LITTLE_ENDIAN);
            return value.remaining() == 8 ? value.getLong() : value.getInt();
        }

        public byte[] packet() {
            byte[] bytes = new byte[body.getInt(12)];
            body.get(20, bytes);
            return bytes;
        }

        public long nanoseconds() {
            return (long) body.getInt(4) << 32 | Integer.toUnsignedLong(body.getInt(8));
        }
    }

    /** All blocks; an error if the file does not end with a whole one. */
    public static List<Block> of(Path file) throws IOException {
        return of(Files.readAllBytes(file));
    }

    public static List<Block> of(byte[] bytes) {
        ByteBuffer all = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        List<Block> blocks = new ArrayList<>();
        while (all.hasRemaining()) {
            int begin = all.position();
            int type = all.getInt();
            int length = all.getInt();
            if (length % 4 != 0 || all.getInt(begin + length - 4) != length) {
                throw new AssertionError("block of " + length + " bytes at " + begin);
            }
            ByteBuffer body = all.slice(begin + 8, length - 12).order(ByteOrder.LITTLE_ENDIAN);
            blocks.add(new Block(type, body, options(body, optionsAt(type, body))));
            all.position(begin + length);
        }
        return blocks;
    }

    public static List<Block> of(List<Block> blocks, int type) {
        return blocks.stream().filter(block -> block.type() == type).toList();
    }

    private static int optionsAt(int type, ByteBuffer body) {
        return switch (type) {
            case INTERFACE -> 8;
            case STATISTICS -> 12;
            case PACKET -> 20 + (body.getInt(12) + 3 & ~3);
            default -> 16;
        };
    }

    private static Map<Integer, byte[]> options(ByteBuffer body, int from) {
        Map<Integer, byte[]> options = new LinkedHashMap<>();
        int at = from;
        while (at < body.limit()) {
            int code = body.getShort(at) & 0xFFFF;
            int length = body.getShort(at + 2) & 0xFFFF;
            if (code == 0) {
                if (at + 4 != body.limit()) {
                    throw new AssertionError("options end at " + at + " of " + body.limit());
                }
                break;
            }
            byte[] value = new byte[length];
            body.get(at + 4, value);
            options.put(code, value);
            at += 4 + (length + 3 & ~3);
        }
        return options;
    }
}
