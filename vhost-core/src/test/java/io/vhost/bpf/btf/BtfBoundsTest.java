package io.vhost.bpf.btf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.bpf.btf.check.BtfValidator;
import io.vhost.bpf.btf.raw.BtfRaw;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Blobs that are small for what they ask of a careless reader: years of work, or terabytes of text. The
 * watchdog is no bound on speed; it ends what would never end.
 */
@Timeout(value = 300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class BtfBoundsTest {
    private static final int STRUCT = 4 << 24;
    private static final int FWD = 7 << 24;
    private static final int TYPEDEF = 8 << 24;
    private static final int FUNC = 12 << 24;
    private static final int PROTO = 13 << 24;
    private static final int VAR = 14 << 24;
    private static final int DATASEC = 15 << 24;
    private static final int MEBIBYTE = 1 << 20;

    @Test
    void prototypesThatTakeTwoOfTheNext() throws BtfException {
        BtfBuilder builder = new BtfBuilder();
        for (int i = 0; i < 100; i++) {
            builder.add(new BtfType.Prototype(0, List.of(new BtfType.Parameter("a", 2 * i + 2),
                    new BtfType.Parameter("b", 2 * i + 2))));
            builder.pointer(2 * i + 3);
        }
        int last = builder.integer("int", 4, 0);
        int struct = builder.struct("s", 8, new BtfType.Member("m", 2, 0, 0));
        builder.typedef("t", last);
        Btf btf = Btf.parse(builder.build());
        assertTrue(CDump.one(btf, struct).length() < MEBIBYTE);
        assertTrue(CDump.all(btf).length() < MEBIBYTE);
        assertTrue(new CTypes(btf).name(1).length() < MEBIBYTE);
    }

    @Test
    void aWideStructOfWideStructs() throws BtfException {
        BtfBuilder builder = new BtfBuilder();
        int count = 600_000;
        builder.raw(builder.string("A"), STRUCT | count, 8, members(builder, count, 2));
        builder.raw(builder.string("B"), STRUCT | count, 8, members(builder, count, 3));
        builder.integer("int", 4, 0);
        assertTrue(CDump.all(Btf.parse(builder.build())).length() < 16 * MEBIBYTE);
    }

    @Test
    void aPrototypeOfLongNames() throws BtfException {
        BtfBuilder builder = new BtfBuilder();
        int named = builder.integer("x".repeat(MEBIBYTE), 4, 0);
        int proto = builder.raw(0, PROTO | 4000, 0, parameters(builder, 4000, named));
        builder.pointer(proto);
        byte[] blob = builder.build();
        BtfValidator.standard().check(blob);
        assertTrue(new CTypes(Btf.parse(blob)).name(proto + 1).length() < MEBIBYTE);
    }

    @Test
    void aPrototypeOfWideStructsWithoutName() throws BtfException {
        BtfBuilder builder = new BtfBuilder();
        int integer = builder.integer("int", 4, 0);
        int wide = builder.raw(0, STRUCT | 300_000, 4, members(builder, 300_000, integer));
        int proto = builder.raw(0, PROTO | 4000, 0, parameters(builder, 4000, wide));
        builder.typedef("t", proto);
        assertTrue(CDump.all(Btf.parse(builder.build())).length() < 16 * MEBIBYTE);
    }

    @Test
    void aSectionOfOneVariableWithALongName() {
        BtfBuilder builder = new BtfBuilder();
        int integer = builder.integer("int", 4, 0);
        int variable = builder.raw(builder.string("x".repeat(MEBIBYTE)), VAR, integer, 0);
        int[] list = new int[3 * 60_000];
        for (int i = 0; i < 60_000; i++) {
            list[3 * i] = variable;
            list[3 * i + 1] = 4 * i;
            list[3 * i + 2] = 4;
        }
        builder.raw(builder.string(".data"), DATASEC | 60_000, 240_000, list);
        assertEquals(Errno.E2BIG,
                assertThrows(BtfException.class, () -> Btf.parse(builder.build())).errno());
    }

    @Test
    void aMillionFunctionsOfOneWidePrototype() throws BtfException {
        BtfBuilder builder = new BtfBuilder();
        int integer = builder.integer("int", 4, 0);
        int proto = builder.raw(0, PROTO | 65_535, 0, parameters(builder, 65_535, integer));
        int name = builder.string("f");
        for (int i = 0; i < 1_000_000; i++) {
            builder.raw(name, FUNC, proto);
        }
        assertEquals("", BtfValidator.standard().check(builder.build()));
    }

    @Test
    void aMillionEqualNames() throws BtfException {
        BtfBuilder builder = new BtfBuilder();
        int name = builder.string("same");
        for (int i = 0; i < 1_000_000; i++) {
            builder.raw(name, FWD, 0);
        }
        Btf btf = Btf.parse(builder.build());
        assertEquals(1, btf.find(BtfKind.FWD, "same"));
        assertEquals(Btf.NOT_FOUND, btf.find(BtfKind.STRUCT, "same"));
    }

    @Test
    void aLongChainOfTypedefs() throws BtfException {
        BtfBuilder builder = new BtfBuilder();
        builder.integer("int", 4, 0);
        int name = builder.string("t");
        for (int id = 2; id < 500_000; id++) {
            builder.raw(name, TYPEDEF, id - 1);
        }
        assertTrue(CDump.all(Btf.parse(builder.build())).endsWith("typedef t___499997 t___499998;\n"));
    }

    @Test
    void aStructOfManyWideStructs() throws BtfException {
        BtfBuilder builder = new BtfBuilder();
        int last = 0;
        for (int i = 0; i < 150; i++) {
            last = builder.raw(builder.string("w" + i + "x".repeat(500)), STRUCT | 8_000, 8,
                    members(builder, 8_000, 151));
        }
        builder.raw(builder.string("x".repeat(512)), FWD, 0);
        int[] all = members(builder, last, 0);
        for (int i = 0; i < last; i++) {
            all[3 * i + 1] = i + 1;
        }
        int root = builder.raw(builder.string("root"), STRUCT | last, 8, all);
        assertTrue(CDump.one(Btf.parse(builder.build()), root).length() < 80 * MEBIBYTE);
    }

    @Test
    void lineInformationOfMoreSectionsThanAFileHas() throws BtfException {
        BtfBuilder builder = new BtfBuilder();
        builder.integer("int", 4, 0);
        builder.string("x".repeat(MEBIBYTE));
        Btf btf = Btf.parse(builder.build());
        int sections = 500_000;
        byte[] ext = new byte[24 + 4 + 24 * sections];
        int[] head = {0x0001EB9F, 24, 0, 0, 0, 4 + 24 * sections, 16};
        for (int i = 0; i < head.length; i++) {
            BtfRaw.putWord(ext, 4 * i, head[i], false);
        }
        for (int i = 0; i < sections; i++) {
            BtfRaw.putWord(ext, 28 + 24 * i, 5 + i, false);
            BtfRaw.putWord(ext, 32 + 24 * i, 1, false);
        }
        assertEquals("more than 65280 sections",
                assertThrows(BtfException.class, () -> BtfExt.parse(ext, btf)).text());
    }

    private static int[] members(BtfBuilder builder, int count, int type) {
        int[] words = new int[3 * count];
        int name = builder.string("m");
        for (int i = 0; i < count; i++) {
            words[3 * i] = name;
            words[3 * i + 1] = type;
        }
        return words;
    }

    private static int[] parameters(BtfBuilder builder, int count, int type) {
        int[] words = new int[2 * count];
        Arrays.setAll(words, i -> i % 2 == 0 ? builder.string("p") : type);
        return words;
    }
}
