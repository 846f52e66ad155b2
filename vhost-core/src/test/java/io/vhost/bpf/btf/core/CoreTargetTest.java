package io.vhost.bpf.btf.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.bpf.btf.Btf;
import io.vhost.bpf.btf.BtfBuilder;
import io.vhost.bpf.btf.BtfException;
import io.vhost.bpf.btf.BtfKind;
import io.vhost.bpf.btf.BtfType;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Questions that clang 14 does not write, and those that make no sense. */
class CoreTargetTest {
    @ParameterizedTest
    @CsvSource({"a___b, a", "a, a", "a__b, a__b", "a____b, a____b", "___a, ___a", "a___, a___",
        "a___b___c, a___b", "'', ''"})
    void aNameEndsBeforeItsFlavor(String name, String essential) {
        assertEquals(essential, CoreNames.essential(name));
    }

    private static BtfType.Member member(String name, int type, int bits) {
        return new BtfType.Member(name, type, bits, 0);
    }

    private static Btf types(int size, boolean more, boolean signed) throws BtfException {
        BtfBuilder types = new BtfBuilder();
        int number = types.integer("number", size, signed ? BtfType.Int.SIGNED : 0);
        int self = types.nextId() + 1;
        types.pointer(self);
        BtfType.Member[] members = {member("next", self - 1, 0), member("x", number, 64)};
        BtfType.Member[] longer = {members[0], members[1], member("y", number, 128)};
        types.struct("node", 24, more ? longer : members);
        types.add(new BtfType.Enumeration(BtfKind.ENUM, "e", 4, false,
                more ? List.of(new BtfType.Value("A", 1), new BtfType.Value("B", 2))
                : List.of(new BtfType.Value("A", 5))));
        return Btf.parse(types.build());
    }

    private static boolean matches(Btf own, Btf other, BtfKind kind, String name) throws CoreException {
        CoreValue value = new CoreTarget(other).resolve(own, own.find(kind, name), "0",
                CoreKind.TYPE_MATCHES);
        assertTrue(value.found());
        return value.value() == 1;
    }

    @Test
    void aTypeMatchesWhereAllThatItHasIsThere() throws Exception {
        Btf small = types(4, false, false);
        Btf large = types(4, true, false);
        assertTrue(matches(small, large, BtfKind.STRUCT, "node"));
        assertFalse(matches(large, small, BtfKind.STRUCT, "node"));
        assertTrue(matches(small, large, BtfKind.ENUM, "e"));
        assertFalse(matches(large, small, BtfKind.ENUM, "e"));
        assertTrue(matches(small, small, BtfKind.INT, "number"));
        assertFalse(matches(small, types(8, false, false), BtfKind.INT, "number"));
        assertFalse(matches(small, types(4, false, true), BtfKind.INT, "number"));
        assertFalse(matches(small, types(8, false, false), BtfKind.STRUCT, "node"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "x", "0:2", "0:-1", "0:1:0", ":", "0:99999999999", "0:", "0::1"})
    void aPathThatLeadsNowhereIsRefused(String path) throws Exception {
        Btf btf = types(4, false, false);
        int node = btf.find(BtfKind.STRUCT, "node");
        assertThrows(CoreException.class,
                () -> new CoreTarget(btf).resolve(btf, node, path, CoreKind.FIELD_BYTE_OFFSET));
    }

    @Test
    void aQuestionThatDoesNotFitItsTypeIsRefused() throws Exception {
        Btf btf = types(4, false, false);
        int node = btf.find(BtfKind.STRUCT, "node");
        int e = btf.find(BtfKind.ENUM, "e");
        CoreTarget target = new CoreTarget(btf);
        assertThrows(CoreException.class, () -> target.resolve(btf, node, "0", CoreKind.ENUMVAL_VALUE));
        assertThrows(CoreException.class, () -> target.resolve(btf, e, "1", CoreKind.ENUMVAL_VALUE));
        assertThrows(CoreException.class, () -> target.resolve(btf, 2, "0", CoreKind.TYPE_EXISTS));
        assertEquals(5, target.resolve(btf, e, "0", CoreKind.ENUMVAL_VALUE).value());
        assertEquals(node, target.resolve(btf, node, "0", CoreKind.TYPE_ID_TARGET).value());
    }

    @Test
    void whatIsNotThereIsNotFoundButThatItExistsIsAnswered() throws Exception {
        Btf own = types(4, true, false);
        Btf other = types(4, false, false);
        int node = own.find(BtfKind.STRUCT, "node");
        CoreTarget target = new CoreTarget(other);
        assertFalse(target.resolve(own, node, "0:2", CoreKind.FIELD_BYTE_OFFSET).found());
        assertTrue(target.resolve(own, node, "0:2", CoreKind.FIELD_EXISTS).found());
        assertEquals(0, target.resolve(own, node, "0:2", CoreKind.FIELD_EXISTS).value());
        assertEquals(16, target.resolve(own, node, "0:2", CoreKind.FIELD_BYTE_OFFSET).original().value());
        int e = own.find(BtfKind.ENUM, "e");
        assertFalse(target.resolve(own, e, "1", CoreKind.ENUMVAL_VALUE).found());
    }
}
