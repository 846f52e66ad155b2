package io.vhost.bpf.btf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BtfTest {
    /** One type of each kind. */
    static List<BtfType> everyKind() {
        return List.of(
                new BtfType.Int("int", 4, BtfType.Int.SIGNED, 0, 32),
                new BtfType.Pointer(4),
                new BtfType.Array(1, 1, 0xFFFFFFFFL),
                new BtfType.Composite(BtfKind.STRUCT, "s", 8,
                        List.of(new BtfType.Member("a", 1, 0, 3), new BtfType.Member("", 1, 32, 0)), true),
                new BtfType.Composite(BtfKind.UNION, "u", 0xFFFFFFFFL, List.of(new BtfType.Member("m", 1, 0,
                0)),
                        false),
                new BtfType.Enumeration(BtfKind.ENUM, "e", 4, true,
                        List.of(new BtfType.Value("LOW", -1), new BtfType.Value("HIGH", Integer.MAX_VALUE))),
                new BtfType.Forward("f", true),
                new BtfType.Modifier(BtfKind.TYPEDEF, "t", 4, false),
                new BtfType.Modifier(BtfKind.VOLATILE, "", 4, false),
                new BtfType.Modifier(BtfKind.CONST, "", 9, false),
                new BtfType.Modifier(BtfKind.RESTRICT, "", 2, false),
                new BtfType.Function("main", BtfType.Function.GLOBAL, 13),
                new BtfType.Prototype(1, List.of(new BtfType.Parameter("x", 2), new BtfType.Parameter("",
                0))),
                new BtfType.Variable("v", 1, 1),
                new BtfType.Section(".data", 4, List.of(new BtfType.Placed(14, 0, 4))),
                new BtfType.Floating("double", 8),
                new BtfType.DeclarationTag("tag", 4, 1, false),
                new BtfType.Modifier(BtfKind.TYPE_TAG, "user", 1, true),
                new BtfType.Enumeration(BtfKind.ENUM64, "w", 8, false,
                        List.of(new BtfType.Value("BIG", 0x8000000000000001L))));
    }

    @ParameterizedTest
    @ValueSource(strings = {"LITTLE_ENDIAN", "BIG_ENDIAN"})
    void everyKindIsReadAsItWasWritten(String orderName) throws BtfException {
        ByteOrder order = orderName.equals("BIG_ENDIAN") ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN;
        BtfBuilder builder = new BtfBuilder(order);
        everyKind().forEach(builder::add);
        Btf btf = Btf.parse(builder.build());
        assertEquals(order, btf.byteOrder());
        List<BtfType> read = new ArrayList<>();
        for (int id = 1; id < btf.typeCount(); id++) {
            read.add(btf.type(id));
            assertEquals(id, btf.kind(id).id());
            assertEquals(btf.type(id).name(), btf.name(id));
        }
        assertEquals(everyKind(), read);
    }

    @Test
    void rewrittenTypesKeepTheirIds() throws BtfException {
        BtfBuilder builder = new BtfBuilder(ByteOrder.BIG_ENDIAN);
        everyKind().forEach(builder::add);
        Btf turned = Btf.parse(new BtfBuilder().addAll(Btf.parse(builder.build())).build());
        assertEquals(BtfDump.all(Btf.parse(builder.build())), BtfDump.all(turned));
        assertEquals(ByteOrder.LITTLE_ENDIAN, turned.byteOrder());
    }

    @Test
    void lookupFindsTheFirstOfEqualNamesAndTellsKindsApart() throws BtfException {
        BtfBuilder builder = new BtfBuilder();
        builder.typedef("x", 0);
        int first = builder.struct("x", 1);
        builder.struct("x", 2);
        Btf btf = Btf.parse(builder.build());
        assertEquals(first, btf.find(BtfKind.STRUCT, "x"));
        assertEquals(1, btf.find(BtfKind.TYPEDEF, "x"));
        assertEquals(Btf.NOT_FOUND, btf.find(BtfKind.UNION, "x"));
        assertEquals(Btf.NOT_FOUND, btf.find(BtfKind.STRUCT, "y"));
        assertEquals(Btf.NOT_FOUND, btf.find(BtfKind.STRUCT, ""));
    }

    @Test
    void lookupFindsEveryNameOfManyTypes() throws BtfException {
        BtfBuilder builder = new BtfBuilder();
        for (int i = 0; i < 50_000; i++) {
            builder.struct("name_" + i, i);
        }
        Btf btf = Btf.parse(builder.build());
        for (int i = 0; i < 50_000; i++) {
            assertEquals(i + 1, btf.find(BtfKind.STRUCT, "name_" + i));
        }
    }

    @Test
    void strippingStopsAtWhatIsNoModifierAndInEndlessChains() throws BtfException {
        BtfBuilder builder = new BtfBuilder();
        int integer = builder.integer("int", 4, 0);
        int constant = builder.add(new BtfType.Modifier(BtfKind.CONST, "", integer, false));
        int alias = builder.typedef("t", constant);
        int loop = builder.typedef("loop", builder.nextId());
        Btf btf = Btf.parse(builder.build());
        assertEquals(integer, btf.strip(alias));
        assertEquals(0, btf.strip(0));
        assertEquals(loop, btf.strip(loop));
        assertEquals(constant, btf.referred(alias));
        assertThrows(IllegalArgumentException.class, () -> btf.referred(integer));
        assertThrows(IndexOutOfBoundsException.class, () -> btf.type(btf.typeCount()));
    }

    @Test
    void kindsOfTheFutureAreSkippedWithTheLayoutSection() throws BtfException {
        BtfBuilder builder = new BtfBuilder();
        builder.integer("int", 4, 0);
        builder.raw(0, 20 << 24 | 2, 0, 1, 2, 3);
        builder.typedef("after", 1);
        byte[] blob = builder.build();
        assertEquals("Invalid kind:20", assertThrows(BtfException.class, () -> Btf.parse(blob)).text());
        byte[] layout = new byte[84];
        layout[80] = 4;
        layout[81] = 4;
        Btf btf = Btf.parse(appended(blob, layout));
        assertEquals(new BtfType.Unknown(20, ""), btf.type(2));
        assertEquals("after", btf.name(3));
    }

    private static byte[] appended(byte[] blob, byte[] layout) {
        int types = BtfRaw.word(blob, 12, false);
        int strings = BtfRaw.word(blob, 20, false);
        byte[] longer = new byte[32 + types + strings + layout.length];
        System.arraycopy(blob, 0, longer, 0, 24);
        System.arraycopy(blob, 24, longer, 32, types + strings);
        System.arraycopy(layout, 0, longer, 32 + types + strings, layout.length);
        BtfRaw.putWord(longer, 4, 32, false);
        BtfRaw.putWord(longer, 24, types + strings, false);
        BtfRaw.putWord(longer, 28, layout.length, false);
        return longer;
    }

    @Test
    void stringsAreCutAndMissingOnesAreNull() throws BtfException {
        BtfBuilder builder = new BtfBuilder();
        int offset = builder.string("x".repeat(5000));
        builder.integer("int", 4, 0);
        Btf btf = Btf.parse(builder.build());
        assertEquals(1024, btf.string(offset).length());
        assertNull(btf.string(-1));
        assertNull(btf.string(1 << 20));
    }

    @Test
    void namesThatTakeTooMuchMemoryAreRefused() {
        BtfBuilder builder = new BtfBuilder();
        String name = "x".repeat(1 << 20);
        for (int i = 0; i < 200; i++) {
            builder.integer(name, 4, 0);
        }
        BtfException refusal = assertThrows(BtfException.class, () -> Btf.parse(builder.build()));
        assertEquals(Errno.E2BIG, refusal.errno());
    }

    @Test
    void collidingNamesDoNotMakeLookupsSlow() throws BtfException {
        // "Aa" and "BB" have equal hashes, and so has every string made of them.
        BtfBuilder builder = new BtfBuilder();
        for (int i = 0; i < 1 << 15; i++) {
            StringBuilder name = new StringBuilder();
            for (int bit = 0; bit < 15; bit++) {
                name.append((i >> bit & 1) == 0 ? "Aa" : "BB");
            }
            builder.struct(name.toString(), 0);
        }
        Btf btf = Btf.parse(builder.build());
        assertEquals(1, btf.find(BtfKind.STRUCT, "Aa".repeat(15)));
        assertEquals(Btf.NOT_FOUND, btf.find(BtfKind.STRUCT, "BB".repeat(15)));
    }

    @Test
    void aMissingFileIsAnIoError() {
        assertThrows(IOException.class, () -> Btf.read(Path.of("no-such-file")));
    }

    @Test
    void theBlobItselfIsHandedOutAsACopy() throws BtfException {
        BtfBuilder builder = new BtfBuilder();
        builder.integer("int", 4, 0);
        Btf btf = Btf.parse(builder.build());
        btf.toBytes()[0] = 0;
        assertNotEquals(0, btf.toBytes()[0]);
        assertTrue(btf.toString().startsWith("Btf[types=1, "), btf::toString);
    }
}
