package io.vhost.bpf.btf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.bpf.btf.check.BtfRule;
import io.vhost.bpf.btf.check.BtfValidator;
import io.vhost.bpf.btf.raw.BtfRaw;
import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
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
    void theBuilderWritesTheLayoutOfItsKinds() throws BtfException {
        for (ByteOrder order : List.of(ByteOrder.LITTLE_ENDIAN, ByteOrder.BIG_ENDIAN)) {
            BtfBuilder builder = new BtfBuilder(order).withLayout();
            everyKind().forEach(builder::add);
            byte[] blob = builder.build();
            Btf btf = Btf.parse(blob);
            assertEquals(4 * (BtfKind.MAX_ID + 1), btf.header().layoutLength());
            int layout = btf.header().headerLength() + btf.header().layoutOffset();
            for (int id = 1; id <= BtfKind.MAX_ID; id++) {
                int record = blob[layout + 4 * id];
                int element = blob[layout + 4 * id + 1];
                assertEquals(BtfKind.of(id).trailingBytes(7), record + 7 * element, () -> order.toString());
            }
            BtfBuilder plain = new BtfBuilder(order);
            everyKind().forEach(plain::add);
            assertEquals(BtfDump.all(Btf.parse(plain.build())), BtfDump.all(btf));
            BtfValidator validator = BtfValidator.standard().byteOrder(order);
            BtfBuilder legal = new BtfBuilder(order).withLayout();
            legal.pointer(legal.integer("int", 4, 0));
            validator.rules(BtfRule.LINUX_7_0).check(legal.build());
            assertEquals(Errno.E2BIG, BtfValidatorTest.refusal(validator, legal.build()).errno());
        }
    }

    @Test
    void aHeadWithoutItsZeroBytesIsReadAsTheKernelDoes() throws BtfException {
        BtfBuilder builder = new BtfBuilder();
        builder.integer("int", 4, 0);
        byte[] blob = builder.build();
        // The length of the strings is below 2^24, so that its last byte may be left out.
        byte[] shorter = new byte[blob.length - 1];
        System.arraycopy(blob, 0, shorter, 0, 23);
        System.arraycopy(blob, 24, shorter, 23, blob.length - 24);
        BtfRaw.putWord(shorter, 4, 23, false);
        assertEquals("int", BtfValidator.standard().load(shorter).name(1));
    }

    @Test
    void aLookupTouchesFewOtherRecords() throws BtfException {
        BtfBuilder builder = new BtfBuilder();
        int wanted = builder.struct("wanted", 1);
        for (int i = 0; i < 2000; i++) {
            builder.struct("name_" + i, i);
        }
        byte[] blob = builder.build();
        Btf btf = Btf.parse(blob);
        assertEquals(wanted, btf.find(BtfKind.STRUCT, "wanted"));
        // The blob is not copied: what a lookup reads of a record that is spoilt now, it stumbles over.
        int touched = 0;
        for (int id = wanted + 1; id < btf.typeCount(); id++) {
            byte[] whole = Arrays.copyOfRange(blob, btf.offset(id), btf.offset(id) + BtfRaw.RECORD);
            BtfRaw.putWord(blob, btf.offset(id), Integer.MAX_VALUE, false);
            BtfRaw.putWord(blob, btf.offset(id) + 4, BtfKind.STRUCT.id() << 24, false);
            try {
                assertEquals(wanted, btf.find(BtfKind.STRUCT, "wanted"));
                assertEquals("wanted", btf.type(wanted).name());
                assertEquals(Btf.NOT_FOUND, btf.find(BtfKind.STRUCT, "missing"));
            } catch (IndexOutOfBoundsException e) {
                touched++;
            }
            System.arraycopy(whole, 0, blob, btf.offset(id), whole.length);
        }
        assertTrue(touched <= 16, "records touched: " + touched);
    }

    @Test
    void recordsAreDecodedWhenTheyAreAskedFor() throws BtfException {
        BtfBuilder builder = new BtfBuilder();
        builder.integer("int", 4, 0);
        int struct = builder.struct("s", 8, new BtfType.Member("a", 1, 0, 0));
        byte[] blob = builder.build();
        Btf btf = Btf.parse(blob);
        assertEquals(8, ((BtfType.Composite) btf.type(struct)).size());
        // The blob is not copied, so that a change shows whether anything was decoded ahead.
        BtfRaw.putWord(blob, btf.offset(struct) + 8, 16, false);
        BtfRaw.putWord(blob, btf.offset(struct) + 20, 32, false);
        assertEquals(new BtfType.Composite(BtfKind.STRUCT, "s", 16,
                List.of(new BtfType.Member("a", 1, 32, 0)), false), btf.type(struct));
    }

    static List<BtfType> unwritable() {
        return List.of(
                new BtfType.Nothing(),
                new BtfType.Unknown(20, ""),
                new BtfType.Int("i", -1, 0, 0, 32),
                new BtfType.Int("i", 1L << 32, 0, 0, 32),
                new BtfType.Int("i", 4, 16, 0, 32),
                new BtfType.Int("i", 4, 0, 256, 32),
                new BtfType.Int("i", 4, 0, 0, 256),
                new BtfType.Int("i\0", 4, 0, 0, 32),
                new BtfType.Floating("f", 1L << 32),
                new BtfType.Array(1, 1, -1),
                new BtfType.Modifier(BtfKind.STRUCT, "", 1, false),
                new BtfType.Composite(BtfKind.ENUM, "", 4, List.of(), false),
                new BtfType.Composite(BtfKind.STRUCT, "", -4, List.of(), false),
                new BtfType.Composite(BtfKind.STRUCT, "", 4, List.of(new BtfType.Member("", 1, 0, 1)), false),
                new BtfType.Composite(BtfKind.STRUCT, "", 4, List.of(new BtfType.Member("", 1, 1 << 24, 1)),
                        true),
                new BtfType.Composite(BtfKind.STRUCT, "", 4, List.of(new BtfType.Member("", 1, 0, 256)),
                        true),
                new BtfType.Composite(BtfKind.STRUCT, "", 4, List.of(new BtfType.Member("", 1, -8, 0)),
                        false),
                new BtfType.Enumeration(BtfKind.UNION, "", 4, false, List.of()),
                new BtfType.Enumeration(BtfKind.ENUM, "", 4, false, List.of(new BtfType.Value("V", -1))),
                new BtfType.Enumeration(BtfKind.ENUM, "", 4, true, List.of(new BtfType.Value("V", 1L << 32))),
                new BtfType.Function("f", -1, 1),
                new BtfType.Section(".data", 4, List.of(new BtfType.Placed(1, -1, 4))),
                new BtfType.Section(".data", 4, List.of(new BtfType.Placed(1, 0, 1L << 32))));
    }

    @ParameterizedTest
    @MethodSource("unwritable")
    void whatARecordCannotHoldIsRefusedAndLeavesTheBuilderAsItWas(BtfType type) throws BtfException {
        BtfBuilder builder = new BtfBuilder();
        builder.integer("int", 4, 0);
        assertThrows(IllegalArgumentException.class, () -> builder.add(type));
        int next = builder.pointer(1);
        assertEquals(2, next);
        assertEquals(3, Btf.parse(builder.build()).typeCount());
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
    void collidingNamesAreFoundAllTheSame() throws BtfException {
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
        assertEquals(1 << 15, btf.find(BtfKind.STRUCT, "BB".repeat(15)));
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
