package io.vhost.bpf.btf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.bpf.btf.check.BtfRule;
import io.vhost.bpf.btf.check.BtfValidator;
import io.vhost.bpf.btf.raw.BtfRaw;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class BtfValidatorTest {
    static List<BtfFault> faults() {
        return BtfFaults.all();
    }

    @ParameterizedTest
    @MethodSource("faults")
    void aFaultIsRefusedWithItsErrorAndText(BtfFault fault) {
        BtfException refusal = assertThrows(BtfException.class,
                () -> BtfValidator.standard().check(fault.blob()));
        assertEquals(fault.errno() + " " + fault.text(), refusal.errno() + " " + refusal.text());
        assertTrue(refusal.log().strip().endsWith(fault.text()), refusal::log);
    }

    @ParameterizedTest
    @MethodSource("faults")
    void tracingDoesNotChangeTheVerdict(BtfFault fault) {
        BtfValidator tracing = BtfValidator.standard().tracing();
        BtfException refusal = assertThrows(BtfException.class, () -> tracing.check(fault.blob()));
        assertEquals(fault.errno() + " " + fault.text(), refusal.errno() + " " + refusal.text());
    }

    @Test
    void everyTextIsReachedByAFaultOrSaidToBeUnreachable() {
        for (String text : BtfFaults.TEXTS) {
            // Texts that end in a mark go on with a number; all others end there.
            boolean open = text.endsWith(":") || text.endsWith("#");
            assertTrue(faults().stream().anyMatch(fault -> open ? fault.text().contains(text)
                    : fault.text().equals(text)), text);
        }
        for (BtfFault fault : faults()) {
            assertTrue(BtfFaults.TEXTS.stream().anyMatch(fault.text()::contains), fault::text);
        }
        assertTrue(BtfFaults.UNREACHABLE.keySet().stream().noneMatch(BtfFaults.TEXTS::contains));
    }

    /** The largest array has 4 GiB less a byte: of single bytes, of three each, of the size itself. */
    @ParameterizedTest
    @CsvSource({"1, 4294967295, true", "3, 1431655765, true", "3, 1431655766, false", "2, 2147483647, true",
            "2, 2147483648, false", "4294967295, 1, true", "4294967295, 2, false", "4294967295, 0, true"})
    void anArrayMayHaveTheLargestSizeAndNoMore(long element, long count, boolean fits) throws BtfException {
        BtfBuilder builder = new BtfBuilder();
        int integer = builder.integer("int", 4, 0);
        builder.add(new BtfType.Array(builder.struct("s", element), integer, count));
        if (fits) {
            BtfValidator.standard().check(builder.build());
        } else {
            assertEquals("Array size overflows U32_MAX",
                    refusal(BtfValidator.standard(), builder.build()).text());
        }
    }

    @Test
    void anErrorNamesTypeAndOffset() {
        BtfBuilder builder = new BtfBuilder();
        builder.integer("int", 4, 0);
        builder.pointer(9);
        BtfException refusal = refusal(BtfValidator.standard(), builder.build());
        assertEquals("BTF refused at offset 40, type 2: Invalid type_id (EINVAL)", refusal.getMessage());
        assertEquals("[2] PTR (anon) type_id=9 Invalid type_id\n", refusal.log());
    }

    @Test
    void aTraceReadsLikeTheKernels() throws BtfException {
        BtfBuilder builder = new BtfBuilder();
        int integer = builder.integer("int", 4, BtfType.Int.SIGNED);
        builder.struct("s", 8, new BtfType.Member("a", integer, 0, 0), new BtfType.Member("", integer, 32,
                0));
        String log = BtfValidator.standard().tracing().check(builder.build());
        assertEquals("""
                [1] INT int size=4 bits_offset=0 nr_bits=32 encoding=SIGNED
                [2] STRUCT s size=8 vlen=2
                \ta type_id=1 bits_offset=0
                \t(anon) type_id=1 bits_offset=32
                """, log.substring(log.indexOf("[1]")));
    }

    @Test
    void kernelsDifferWhereTheRulesSay() throws BtfException {
        differ(BtfRule.ENUM_KIND_FLAG, builder -> builder.add(
                new BtfType.Enumeration(BtfKind.ENUM, "e", 4, true, List.of())));
        differ(BtfRule.ENUM64, builder -> builder.add(
                new BtfType.Enumeration(BtfKind.ENUM64, "e", 8, false, List.of())));
        differ(BtfRule.TAG_KIND_FLAG, builder -> builder.add(
                new BtfType.Modifier(BtfKind.TYPE_TAG, "t", 0, true)));
        differ(BtfRule.DOTS_IN_NAMES, builder -> builder.typedef("a.b", 0));
        differ(BtfRule.PRINTABLE_SECTION_NAMES, builder -> {
            int integer = builder.integer("int", 4, 0);
            int variable = builder.add(new BtfType.Variable("v", integer, 1));
            builder.add(new BtfType.Section("?a b", 4, List.of(new BtfType.Placed(variable, 0, 4))));
        });
    }

    private static void differ(BtfRule rule, Consumer<BtfBuilder> maker) throws BtfException {
        BtfBuilder builder = new BtfBuilder();
        maker.accept(builder);
        BtfValidator.standard().check(builder.build());
        assertThrows(BtfException.class, () -> BtfValidator.standard().rules(BtfRule.LINUX_5_17)
                .check(builder.build()), rule::name);
    }

    @Test
    void typeTagsMayFollowModifiersBeforeAndAfterTheRule() throws BtfException {
        BtfBuilder builder = new BtfBuilder();
        int tag = builder.add(new BtfType.Modifier(BtfKind.TYPE_TAG, "t", 0, false));
        builder.add(new BtfType.Modifier(BtfKind.CONST, "", tag, false));
        for (Set<BtfRule> rules : List.of(BtfRule.LINUX_5_17, BtfRule.LINUX_7_0)) {
            BtfValidator.standard().rules(rules).check(builder.build());
        }
        assertEquals("Type tags don't precede modifiers", refusal(BtfValidator.standard(),
                builder.build()).text());
    }

    @Test
    void aLayoutSectionIsCheckedByTheRulesOf2026() throws BtfException {
        byte[] blob = withLayout(new byte[80], 0);
        BtfValidator.standard().rules(BtfRule.LINUX_7_0).check(blob);
        assertEquals("Unsupported btf_header", refusal(BtfValidator.standard(), blob).text());
        BtfValidator latest = BtfValidator.standard().rules(BtfRule.LINUX_7_0);
        assertEquals("Layout section is too small", refusal(latest, withLayout(new byte[3], 0)).text());
        assertEquals("layout_len is not multiple of 4", refusal(latest, withLayout(new byte[6], 0)).text());
        assertEquals("Unaligned layout_off", refusal(latest, withLayout(new byte[4], 1)).text());
        assertTrue(refusal(latest.tracing(), withLayout(new byte[3], 0)).log().contains("layout_len: 3\n"));
    }

    /** A blob whose layout section lies between types and strings, after {@code gap} bytes of strings. */
    static byte[] withLayout(byte[] layout, int gap) {
        BtfBuilder builder = new BtfBuilder();
        builder.integer("int", 4, 0);
        byte[] blob = builder.build();
        int types = BtfRaw.word(blob, 12, false);
        int strings = BtfRaw.word(blob, 20, false);
        byte[] longer = Arrays.copyOf(blob, blob.length + 8 + layout.length);
        System.arraycopy(blob, 24, longer, 32, types);
        int layoutAt = gap == 0 ? types : types + strings;
        int stringsAt = gap == 0 ? types + layout.length : types;
        System.arraycopy(blob, 24 + types, longer, 32 + stringsAt, strings);
        System.arraycopy(layout, 0, longer, 32 + layoutAt, layout.length);
        int[] head = {32, 0, types, stringsAt, strings, layoutAt, layout.length};
        for (int i = 0; i < head.length; i++) {
            BtfRaw.putWord(longer, 4 + 4 * i, head[i], false);
        }
        return longer;
    }

    @Test
    void wideInfoWordsAreLegalByTheRulesOf2026() {
        BtfBuilder builder = new BtfBuilder();
        builder.raw(0, 4 << 24 | 0x10000, 0);
        byte[] blob = builder.build();
        assertEquals("[1] Invalid btf_info:4010000", refusal(BtfValidator.standard(), blob).text());
        assertEquals("meta_left:0 meta_needed:786432",
                refusal(BtfValidator.standard().rules(BtfRule.LINUX_7_0), blob).text());
    }

    @Test
    void bothByteOrdersCanBeValidated() throws BtfException {
        BtfBuilder builder = new BtfBuilder(ByteOrder.BIG_ENDIAN);
        builder.pointer(builder.integer("int", 4, BtfType.Int.SIGNED));
        BtfValidator.standard().byteOrder(ByteOrder.BIG_ENDIAN).check(builder.build());
        // The length of the head, read the wrong way round, is looked at before the magic number.
        assertEquals("btf_header not found", refusal(BtfValidator.standard(), builder.build()).text());
    }

    @Test
    void aHugeBlobIsRefusedUnread() {
        BtfException refusal = refusal(BtfValidator.standard(), new byte[(16 << 20) + 1]);
        assertEquals(Errno.E2BIG, refusal.errno());
    }

    @Test
    void typesBeyondTheLastIdAreAcceptedButCannotBeRead() throws BtfException {
        byte[] blob = filled(1 << 20, builder -> builder.raw(0, 2 << 24, 0));
        assertEquals("", BtfValidator.standard().check(blob));
        BtfException refusal = assertThrows(BtfException.class, () -> Btf.parse(blob));
        assertEquals(Errno.E2BIG + " Exceeded max num of types", refusal.errno() + " " + refusal.text());
    }

    @Test
    void aLongNameInEveryLineDoesNotMakeTheLogLong() throws BtfException {
        String name = "x".repeat(1 << 20);
        byte[] blob = filled(5_000, builder -> builder.integer(name, 4, 0));
        String log = BtfValidator.standard().tracing().check(blob);
        assertTrue(log.length() <= 2 << 20, () -> "log of " + log.length());
    }

    private static byte[] filled(int count, Consumer<BtfBuilder> maker) {
        BtfBuilder builder = new BtfBuilder();
        for (int i = 0; i < count; i++) {
            maker.accept(builder);
        }
        return builder.build();
    }

    static BtfException refusal(BtfValidator validator, byte[] blob) {
        return assertThrows(BtfException.class, () -> validator.check(blob));
    }
}
