package io.vhost.bpf.btf;

import io.vhost.bpf.btf.raw.BtfRaw;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Makes blobs that are mostly right: types that refer to each other as compilers do, then, in two of three
 * blobs, a few words bent. Purely random bytes would never get past the header.
 */
final class BtfGenerator {
    private static final String[] NAMES = {"a", "b", "task", "xdp_md", "f.isra.0", "_x", "T1", "count",
            "next"};
    private static final String[] BAD_NAMES = {"9x", "a b", "?s", "a-b", "\u0001", "x".repeat(511),
            "x".repeat(512),
        "x".repeat(513), "\u00e9t\u00e9", "s" + "y".repeat(1200)};
    private static final int[] ODD = {0, 1, 2, 3, 4, 7, 8, 12, 16, 31, 32, 63, 64, 127, 128, 255, 256, 0xFFFF,
        0x10000, 0xFFFFF, 0x100000, 0xFFFFFF, 0x1000000, 0x7FFFFFFF, 0x80000000, -8, -2, -1};
    private static final int HEADER_WORDS = 6;

    private final SplittableRandom random;
    private BtfBuilder builder;
    private int planned;

    BtfGenerator(long seed) {
        this.random = new SplittableRandom(seed);
    }

    /** The next blob. */
    byte[] next() {
        builder = new BtfBuilder();
        planned = 1 + random.nextInt(14);
        if (random.nextInt(50) == 0) {
            chain();
        }
        while (builder.nextId() <= planned) {
            builder.add(type());
        }
        byte[] blob = builder.build();
        int changes = random.nextInt(3);
        for (int i = 0; i < changes; i++) {
            blob = bend(blob);
        }
        return blob;
    }

    /** The blob with one to three more words bent. */
    byte[] bent(byte[] blob) {
        byte[] bent = blob;
        for (int i = random.nextInt(1, 4); i > 0; i--) {
            bent = bend(bent);
        }
        return bent;
    }

    /** A chain longer than a resolver's stack or a modifier's chain may be. */
    private void chain() {
        int length = 28 + random.nextInt(10);
        planned += length;
        int first = builder.nextId();
        boolean loop = random.nextInt(3) == 0;
        BtfKind[] kinds = {BtfKind.CONST, BtfKind.VOLATILE, BtfKind.RESTRICT, BtfKind.TYPE_TAG};
        int style = random.nextInt(3);
        for (int i = 0; i < length; i++) {
            int target = i < length - 1 ? builder.nextId() + 1 : loop ? first : 0;
            BtfKind kind = kinds[random.nextInt(kinds.length)];
            if (style == 0 || (style == 1 && random.nextInt(4) == 0)) {
                builder.pointer(target);
            } else {
                builder.add(new BtfType.Modifier(kind, kind == BtfKind.TYPE_TAG ? "tag" : "", target, false));
            }
        }
    }

    private BtfType type() {
        return switch (random.nextInt(24)) {
            case 0, 1, 2 -> integer();
            case 3, 4 -> new BtfType.Pointer(any());
            case 5 -> new BtfType.Array(sized(), integerId(), pick(0, 1, 4, 4, 300, 0x40000000, 0xFFFFFFFFL));
            case 6, 7, 8, 9 -> composite(random.nextInt(4) == 0 ? BtfKind.UNION : BtfKind.STRUCT);
            case 10, 11 -> enumeration();
            case 12 -> new BtfType.Forward(name(), random.nextBoolean());
            case 13, 14 -> modifier();
            case 15, 16 -> new BtfType.Prototype(random.nextInt(4) == 0 ? 0 : any(), parameters());
            case 17, 18 -> new BtfType.Function(name(), random.nextInt(12) == 0 ? 2 : random.nextInt(2),
                    of(BtfKind.FUNC_PROTO));
            case 19 -> new BtfType.Variable(name(), sized(), random.nextInt(12) == 0 ? 2 : random.nextInt(2));
            case 20, 21 -> section();
            case 22 -> new BtfType.Floating(name(), pick(2, 4, 8, 8, 12, 16, 3, 0));
            default -> tag();
        };
    }

    private BtfType integer() {
        int size = (int) pick(1, 2, 4, 4, 4, 8, 16, 3);
        if (random.nextInt(4) > 0) {
            return new BtfType.Int(name(), size, (int) pick(0, 0, 1, 1, 2, 4), 0, 8 * size);
        }
        return new BtfType.Int(name(), size, (int) pick(0, 1, 3, 8), (int) pick(0, 0, 1, 8, 64, 130),
                (int) pick(1, 3, 7, 8, 31, 64, 128, 129));
    }

    private BtfType composite(BtfKind kind) {
        boolean bitFields = random.nextInt(3) == 0;
        int count = random.nextInt(5);
        List<BtfType.Member> members = new ArrayList<>();
        long offset = 0;
        for (int i = 0; i < count; i++) {
            int bits = bitFields && random.nextBoolean() ? (int) pick(1, 3, 8, 31, 33, 64, 65, 200) : 0;
            members.add(new BtfType.Member(random.nextInt(5) == 0 ? "" : name(), sized(), offset, bits));
            if (kind == BtfKind.STRUCT) {
                offset += random.nextInt(4) == 0 ? pick(1, 4, 33, 100) : pick(8, 32, 32, 64, 64, 128);
            }
        }
        long size = random.nextInt(4) == 0 ? pick(0, 1, 4, 8, 0xFFFFFFFFL) : offset / 8 + pick(4, 8, 16);
        return new BtfType.Composite(kind, random.nextInt(4) == 0 ? "" : name(), size, members, bitFields);
    }

    private BtfType enumeration() {
        List<BtfType.Value> values = new ArrayList<>();
        int count = random.nextInt(4);
        boolean wide = random.nextBoolean();
        boolean signed = random.nextBoolean();
        for (int i = 0; i < count; i++) {
            values.add(new BtfType.Value(name(), wide ? random.nextLong() : signed ? random.nextInt()
                    : random.nextInt() & 0xFFFFFFFFL));
        }
        return new BtfType.Enumeration(wide ? BtfKind.ENUM64 : BtfKind.ENUM, name(),
                pick(4, 4, 4, 8, 1, 2, 0, 3, 16), signed, values);
    }

    private BtfType modifier() {
        BtfKind kind = switch (random.nextInt(6)) {
            case 0, 1 -> BtfKind.TYPEDEF;
            case 2 -> BtfKind.CONST;
            case 3 -> BtfKind.VOLATILE;
            case 4 -> BtfKind.RESTRICT;
            default -> BtfKind.TYPE_TAG;
        };
        boolean named = kind == BtfKind.TYPEDEF || kind == BtfKind.TYPE_TAG;
        return new BtfType.Modifier(kind, named ? name() : "", any(), random.nextInt(8) == 0);
    }

    private List<BtfType.Parameter> parameters() {
        List<BtfType.Parameter> parameters = new ArrayList<>();
        int count = random.nextInt(4);
        for (int i = 0; i < count; i++) {
            parameters.add(new BtfType.Parameter(random.nextInt(8) == 0 ? "" : name(), any()));
        }
        if (random.nextInt(6) == 0) {
            parameters.add(new BtfType.Parameter("", 0));
        }
        return parameters;
    }

    private BtfType section() {
        List<BtfType.Placed> placed = new ArrayList<>();
        int count = random.nextInt(4);
        long offset = 0;
        for (int i = 0; i < count; i++) {
            long size = pick(4, 8, 8, 16);
            placed.add(new BtfType.Placed(of(BtfKind.VAR), offset, size));
            offset += size + pick(0, 0, 0, 8);
        }
        String name = random.nextInt(6) == 0 ? name() : random.nextBoolean() ? ".maps" : ".data x?";
        return new BtfType.Section(name, random.nextInt(5) == 0 ? pick(0, 4, 8) : offset + 4, placed);
    }

    private BtfType tag() {
        int component = random.nextInt(3) == 0 ? random.nextInt(-2, 3) : -1;
        return new BtfType.DeclarationTag(name(), any(), component, random.nextInt(8) == 0);
    }

    private String name() {
        return random.nextInt(60) == 0 ? BAD_NAMES[random.nextInt(BAD_NAMES.length)]
                : NAMES[random.nextInt(NAMES.length)];
    }

    /** Any id, rarely one that does not exist. */
    private int any() {
        return random.nextInt(80) == 0 ? (int) pick(planned + 1, 0xFFFFF, 0x100000, -1)
                : random.nextInt(planned + 1);
    }

    /** Mostly an id that is likely to have a size. */
    private int sized() {
        int id = any();
        return random.nextInt(10) > 0 && id >= builder.nextId() ? 1 + random.nextInt(builder.nextId()) : id;
    }

    private int integerId() {
        return random.nextInt(4) == 0 ? any() : of(BtfKind.INT);
    }

    /** An earlier type of this kind; one is added on the spot if there is none. */
    private int of(BtfKind kind) {
        if (random.nextInt(20) == 0) {
            return any();
        }
        byte[] blob = builder.build();
        BtfHeader header = BtfHeader.read(blob, BtfHeader.SIZE, ByteOrder.LITTLE_ENDIAN);
        BtfRaw raw = new BtfRaw(blob, header.byteOrder(), false, header.typesStart(),
                header.stringsStart(), header.stringsLength());
        List<Integer> ids = new ArrayList<>();
        int at = raw.typesStart();
        for (int id = 1; id < builder.nextId(); id++) {
            raw.add(at);
            if (BtfKind.of(raw.kindId(id)) == kind) {
                ids.add(id);
            }
            at += BtfRaw.RECORD + BtfKind.of(raw.kindId(id)).trailingBytes(raw.vlen(id));
        }
        if (!ids.isEmpty()) {
            return ids.get(random.nextInt(ids.size()));
        }
        planned++;
        return switch (kind) {
            case INT -> builder.integer("int", 4, BtfType.Int.SIGNED);
            case VAR -> builder.add(new BtfType.Variable("v", any(), 1));
            default -> builder.add(new BtfType.Prototype(0, List.of()));
        };
    }

    private long pick(long... choices) {
        return choices[random.nextInt(choices.length)];
    }

    private byte[] bend(byte[] blob) {
        int choice = random.nextInt(20);
        if (choice == 0) {
            return java.util.Arrays.copyOf(blob, random.nextInt(blob.length + 8));
        }
        if (choice == 1) {
            return otherHead(blob);
        }
        if (blob.length < 32) {
            return blob;
        }
        byte[] bent = blob.clone();
        if (choice == 2) {
            bent[random.nextInt(bent.length)] = (byte) random.nextInt();
            return bent;
        }
        int typesEnd = Math.min(bent.length - 4, BtfHeader.SIZE + BtfRaw.word(bent, 12, false));
        boolean head = choice <= 4 || typesEnd <= BtfHeader.SIZE;
        int at = head ? 4 * random.nextInt(HEADER_WORDS)
                : BtfHeader.SIZE + 4 * random.nextInt(Math.max(1, (typesEnd - BtfHeader.SIZE) / 4));
        BtfRaw.putWord(bent, at, bentWord(BtfRaw.word(bent, at, false)), false);
        return bent;
    }

    private int bentWord(int old) {
        return switch (random.nextInt(6)) {
            case 0 -> old + 1;
            case 1 -> old - 1;
            case 2 -> old ^ 1 << random.nextInt(32);
            case 3 -> random.nextInt(planned + 2);
            case 4 -> old + 4 * random.nextInt(-3, 4);
            default -> ODD[random.nextInt(ODD.length)];
        };
    }

    /** A head of another length: longer, as later kernels may write, or without zeros at its end. */
    private byte[] otherHead(byte[] blob) {
        if (random.nextInt(3) == 0 && blob.length > BtfHeader.SIZE) {
            return shorterHead(blob);
        }
        int extra = (int) pick(1, 4, 8, 8, 8, 12);
        byte[] longer = new byte[blob.length + extra];
        int head = Math.min(blob.length, BtfHeader.SIZE);
        System.arraycopy(blob, 0, longer, 0, head);
        System.arraycopy(blob, head, longer, head + extra, blob.length - head);
        if (longer.length >= 8) {
            BtfRaw.putWord(longer, 4, head + extra, false);
        }
        if (random.nextInt(4) == 0) {
            longer[head + random.nextInt(extra)] = 1;
        }
        return longer;
    }

    private byte[] shorterHead(byte[] blob) {
        int head = (int) pick(23, 23, 22, 21, 20, 16, 8, 4);
        byte[] shorter = new byte[blob.length - BtfHeader.SIZE + head];
        System.arraycopy(blob, 0, shorter, 0, head);
        System.arraycopy(blob, BtfHeader.SIZE, shorter, head, blob.length - BtfHeader.SIZE);
        if (shorter.length >= 8) {
            BtfRaw.putWord(shorter, 4, head, false);
        }
        return shorter;
    }
}
