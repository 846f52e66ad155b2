package io.vhost.bpf.view;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.bpf.MapTypes;
import io.vhost.bpf.btf.Btf;
import io.vhost.bpf.btf.BtfBuilder;
import io.vhost.bpf.btf.BtfException;
import io.vhost.bpf.btf.BtfKind;
import io.vhost.bpf.btf.BtfType;
import io.vhost.bpf.map.MapException;
import io.vhost.bpf.map.MapFactory;
import io.vhost.bpf.map.MapSpec;
import io.vhost.bpf.map.MapType;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Parts of values are found, read, set and printed by their types. */
class TypedValueTest {
    private final BtfBuilder types = new BtfBuilder();
    private final int u8 = types.integer("unsigned char", 1, 0);
    private final int u32 = types.integer("unsigned int", 4, 0);
    private final int i16 = types.integer("short", 2, BtfType.Int.SIGNED);
    private final int character = types.integer("char", 1, BtfType.Int.SIGNED);
    private final int truth = types.integer("bool", 1, BtfType.Int.BOOL);

    private TypedValue value(int type, int size) throws BtfException {
        return new TypedValue(Btf.parse(types.build()), type, Arena.ofAuto().allocate(size, 8));
    }

    private static BtfType.Member member(String name, int type, int bits) {
        return new BtfType.Member(name, type, bits, 0);
    }

    @Test
    void membersAreFoundAlsoInsideThoseWithoutAName() throws BtfException {
        int inner = types.struct("", 4, member("low", i16, 0), member("high", i16, 16));
        int outer = types.struct("s", 8, member("first", u32, 0), member("", inner, 32));
        TypedValue value = value(types.typedef("t", outer), 8);
        value.set("first", 0x1_FFFF_FFFFL).set("high", -2);
        assertEquals(0xFFFF_FFFFL, value.number("first"));
        assertEquals(-2, value.number("high"));
        assertEquals("{first = 4294967295, {low = 0, high = -2}}", value.toString());
        assertTrue(assertThrows(IllegalArgumentException.class, () -> value.at("third")).getMessage()
                .startsWith("third: no third; there are [first, "));
        assertThrows(IllegalArgumentException.class, value::number);
    }

    @Test
    void elementsHaveBounds() throws BtfException {
        int row = types.add(new BtfType.Array(u8, u32, 3));
        TypedValue value = value(types.add(new BtfType.Array(row, u32, 2)), 6);
        value.set("[1][2]", 255);
        assertEquals(255, value.number("[1][2]"));
        assertEquals("[[0, 0, 0], [0, 0, 255]]", value.toString());
        for (String wrong : List.of("[2]", "[1][3]", "[1][2][0]", "[-1]", "[x]", "x")) {
            assertThrows(IllegalArgumentException.class, () -> value.at(wrong), wrong);
        }
    }

    @Test
    void bitFieldsShareTheirBytes() throws BtfException {
        int struct = types.add(new BtfType.Composite(BtfKind.STRUCT, "bits", 4, List.of(
                new BtfType.Member("a", u32, 0, 3), new BtfType.Member("b", u32, 3, 7),
                new BtfType.Member("c", u32, 10, 22)), true));
        TypedValue value = value(struct, 4);
        value.set("a", 9).set("b", 0x7F).set("c", 5);
        assertEquals("{a = 1, b = 127, c = 5}", value.toString());
        assertEquals(127, value.set("a", 0).number("b"));
    }

    @Test
    void textsTruthAndNamesAreWrittenAsSuch() throws BtfException {
        int text = types.add(new BtfType.Array(character, u32, 8));
        int names = types.add(new BtfType.Enumeration(BtfKind.ENUM, "verdict", 4, false,
                List.of(new BtfType.Value("DROP", 1), new BtfType.Value("PASS", 2))));
        int struct = types.struct("s", 16, member("text", text, 0), member("verdict", names, 64),
                member("yes", truth, 96));
        TypedValue value = value(struct, 16).set("text[0]", 'h').set("text[1]", 'i').set("verdict", 2)
                .set("yes", 1);
        assertEquals("{text = \"hi\", verdict = PASS, yes = true}", value.toString());
        value.set("text[1]", '"').set("verdict", 3).set("yes", 2);
        assertEquals("{text = [104, 34, 0, 0, 0, 0, 0, 0], verdict = 3, yes = 2}", value.toString());
    }

    @Test
    void whatHasNoTypeIsShownInHex() throws BtfException {
        assertEquals("00 00 00", value(0, 3).toString());
        assertEquals(7, value(0, 8).set(7).number());
    }

    @Test
    void aTypeThatIsNeverThroughIsCutOff() throws BtfException {
        int row = types.add(new BtfType.Array(u8, u32, 1 << 12));
        String text = value(types.add(new BtfType.Array(row, u32, 1 << 12)), 1 << 24).toString();
        assertTrue(text.length() < 1 << 15, () -> "has " + text.length());
    }

    @Test
    void aMapPrintsItself() throws BtfException, MapException {
        int flow = types.struct("flow", 8, member("packets", u32, 0), member("octets", u32, 32));
        Btf btf = Btf.parse(types.build());
        TypedMap map = new TypedMap(new MapFactory(2, 1 << 16).create(new MapSpec("flows",
                MapType.PERCPU_HASH.id(), 4, 8, 4, 0)), btf, new MapTypes(u32, flow, Optional.empty()), 2);
        TypedValue key = map.newKey().set(53);
        assertEquals(0, map.put(key, map.newValue().set("packets", 3), 1, 0));
        assertEquals(-17, map.put(key, map.newValue(), 1, 0));
        assertEquals(0, map.put(key, map.newValue().set("packets", 4), 0, 1));
        assertEquals(3, map.get(key).orElseThrow().number("packets"));
        assertEquals(4, map.get(key, 1).orElseThrow().number("packets"));
        assertEquals("""
                flows: PERCPU_HASH, 1 entry
                  53: [{packets = 3, octets = 0}, {packets = 4, octets = 0}]
                """, map.toString());
        assertThrows(IllegalArgumentException.class, () -> map.get(map.newValue()));
        assertEquals(0, map.remove(key));
        assertTrue(map.get(key).isEmpty());
        assertEquals("flows: PERCPU_HASH, 0 entries\n", map.toString());
    }

    @Test
    void zeroEntriesOfAnArrayAreLeftOut() throws BtfException, MapException {
        Btf btf = Btf.parse(types.build());
        TypedMap map = new TypedMap(new MapFactory(1, 1 << 16).create(new MapSpec("counts",
                MapType.ARRAY.id(), 4, 4, 4, 0)), btf, new MapTypes(u32, u32, Optional.empty()), 1);
        map.put(map.newKey().set(2), map.newValue().set(9));
        assertEquals(9, map.number(2).orElseThrow());
        assertTrue(map.number(4).isEmpty());
        assertEquals("counts: ARRAY, 4 entries, 3 of them zero\n  2: 9\n", map.toString());
    }
}
