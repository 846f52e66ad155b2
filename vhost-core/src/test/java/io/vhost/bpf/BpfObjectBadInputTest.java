package io.vhost.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.bpf.BpfException.Stage;
import io.vhost.bpf.btf.BtfBuilder;
import io.vhost.bpf.btf.BtfType;
import io.vhost.bpf.context.CheckMode;
import io.vhost.bpf.context.ContextTypes;
import io.vhost.bpf.context.FunctionCheck;
import io.vhost.bpf.elf.ElfBuilder;
import io.vhost.bpf.elf.ElfRelocation;
import io.vhost.bpf.elf.ElfSection;
import io.vhost.bpf.elf.ElfSymbol;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/**
 * Broken objects: one typed error with stage, place and text, and never anything else.
 * {@code -Dbpf.objects=40000} has more of those that chance bends.
 */
class BpfObjectBadInputTest {
    private static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;
    private static final int TABLE = 64;
    private static final int BENT = Integer.getInteger("bpf.objects", 8_000);

    @Test
    void theSmallObjectItselfIsFine() throws BpfException {
        for (ByteOrder order : new ByteOrder[] {LITTLE, ByteOrder.BIG_ENDIAN}) {
            BpfObject object = BpfObject.parse(SmallObject.build(order));
            assertEquals("main", object.programs().getFirst().name());
            assertEquals("called", object.programs().getFirst().called().getFirst().name());
            assertEquals("int main(struct xdp_md *c) @ x.c:3",
                    object.programs().getFirst().function().source());
            assertEquals(new BpfMap("map", 2, 0, 0, 2, 0, "", ""), object.maps().getFirst());
            assertEquals("GPL", object.license());
            assertTrue(object.check(object.programs().getFirst(), ContextTypes.shipped(),
                    CheckMode.STRICT).stream()
                    .allMatch(check -> check.verdict() == FunctionCheck.Verdict.PASS));
        }
    }

    @Test
    void filesThatAreNoBpfObjectsAreRefused() {
        refused(Stage.ELF, "not an ELF file", new byte[0]);
        refused(Stage.ELF, "not an ELF file", Arrays.copyOf(SmallObject.build(LITTLE), 63));
        refused(Stage.ELF, "made for x86-64 (machine 62), not for BPF (machine 247)", bent(file ->
                file.putShort(18, (short) 62)));
        refused(Stage.ELF, "made for another machine (machine 65535)", bent(file -> file.putShort(18,
                (short) -1)));
        refused(Stage.ELF, "class 1 instead of 2: not a 64-bit file", bent(file -> file.put(4, (byte) 1)));
        refused(Stage.ELF, "byte order 3 is neither 1 nor 2", bent(file -> file.put(5, (byte) 3)));
        refused(Stage.ELF, "type 2 instead of 1: not a relocatable object", bent(file -> file.putShort(16,
                (short) 2)));
        refused(Stage.READ, "no section .BTF: compile with -g", new ElfBuilder(LITTLE).build());
    }

    @Test
    void brokenTablesAreRefused() {
        refused(Stage.ELF, "exceeds the file", bent(file -> file.putLong(40, -1)));
        refused(Stage.ELF, "exceeds the file", bent(file -> file.putLong(40, Long.MAX_VALUE)));
        refused(Stage.ELF, "exceeds the file", bent(file -> file.putShort(60, (short) 0xFFFF)));
        refused(Stage.ELF, "no sections", bent(file -> file.putShort(60, (short) 0)));
        refused(Stage.ELF, "section headers of 0 bytes", bent(file -> file.putShort(58, (short) 0)));
        refused(Stage.ELF, "section names in section 200", bent(file -> file.putShort(62, (short) 200)));
        refused(Stage.ELF, "exceeds the file", bent(file -> file.putLong(TABLE + 64 + 24, -5)));
        refused(Stage.ELF, "exceeds the file", bent(file -> file.putLong(TABLE + 64 + 32, Long.MAX_VALUE)));
        refused(Stage.ELF, "of a string table of", bent(file -> file.putInt(TABLE + 2 * 64, 1 << 20)));
        refused(Stage.ELF, "is no table of entries of 24", bent(file -> file.putLong(TABLE + 2 * 64 + 56,
                8)));
        refused(Stage.ELF, "which is no string table", bent(file -> file.putInt(TABLE + 2 * 64 + 40, 2)));
    }

    @Test
    void relocationsOutOfRangeAreRefused() {
        refused(Stage.FIX_UP, "relocation of offset 1000000 in section .BTF", object(1_000_000, 0, 4));
        refused(Stage.FIX_UP, "relocation by symbol 77 of 1", object(0, 77, 4));
        refused(Stage.FIX_UP, "relocation type 99 in .BTF", object(0, 0, 99));
    }

    private static byte[] object(int offset, int symbol, int type) {
        ElfBuilder elf = new ElfBuilder(LITTLE);
        int btf = elf.section(".BTF", ElfSection.PROG_BITS, 0, ContextTypes.shipped().btf().toBytes());
        elf.relocations(btf, offset, symbol, type);
        return elf.build();
    }

    @Test
    void brokenTypesAreRefusedInTheStageThatFindsThem() {
        refused(Stage.READ, "btf_header not found", types(new byte[3]));
        refused(Stage.READ, "BTF is BIG_ENDIAN in a file that is LITTLE_ENDIAN",
                types(new BtfBuilder(ByteOrder.BIG_ENDIAN).build()));
        BtfBuilder loop = new BtfBuilder();
        loop.typedef("t", 1);
        refused(Stage.VALIDATE, "Loop detected (EEXIST)", types(loop.build()));
        BtfBuilder section = new BtfBuilder();
        section.add(new BtfType.Section(".none", 0, List.of()));
        refused(Stage.FIX_UP, "no section .none to take a size from", types(section.build()));
    }

    private static byte[] types(byte[] blob) {
        ElfBuilder elf = new ElfBuilder(LITTLE);
        elf.section(".BTF", ElfSection.PROG_BITS, 0, blob);
        return elf.build();
    }

    @Test
    void functionsThatLieNowhereAreRefused() {
        refused(Stage.OBJECT, "function f is in section 200, which holds no code", function(200, 0, 8));
        refused(Stage.OBJECT, "function f at 16 with 8 bytes in section xdp of 16", function(4, 16, 8));
        refused(Stage.OBJECT, "function f at 0 with 0 bytes", function(4, 0, 0));
        refused(Stage.OBJECT, "function f at 4 with 8 bytes", function(4, 4, 8));
        refused(Stage.OBJECT, "function f at -8 with 8 bytes", function(4, -8, 8));
        refused(Stage.OBJECT, "function f at 8 with 9223372036854775800 bytes", function(4, 8,
                Long.MAX_VALUE - 7));
        refused(Stage.OBJECT, "overlaps the one before it in xdp", function(4, 0, 16, 8, 8));
    }

    private static byte[] function(int section, long... places) {
        ElfBuilder elf = new ElfBuilder(LITTLE);
        elf.section(".BTF", ElfSection.PROG_BITS, 0, ContextTypes.shipped().btf().toBytes());
        elf.section("xdp", ElfSection.PROG_BITS, 6, new byte[16]);
        for (int i = 0; i < places.length; i += 2) {
            elf.symbol("f", ElfSymbol.FUNCTION, section, places[i], places[i + 1]);
        }
        return elf.build();
    }

    @Test
    void mapsOfTheOldKindThatLieNowhereAreRefused() {
        for (long place : new long[] {-8, 5, 24, Long.MAX_VALUE}) {
            ElfBuilder elf = new ElfBuilder(LITTLE);
            elf.section(".BTF", ElfSection.PROG_BITS, 0, ContextTypes.shipped().btf().toBytes());
            int maps = elf.section("maps", ElfSection.PROG_BITS, 3, new byte[24]);
            elf.symbol("m", ElfSymbol.OBJECT, maps, place, 20);
            refused(Stage.OBJECT, "map m at " + place + " in section maps of 24 bytes", elf.build());
        }
    }

    @Test
    void aProgramThatCallsTooManyFunctionsIsRefused() {
        ElfBuilder elf = new ElfBuilder(LITTLE);
        elf.section(".BTF", ElfSection.PROG_BITS, 0, ContextTypes.shipped().btf().toBytes());
        ByteBuffer code = ByteBuffer.allocate(8 * 300).order(LITTLE);
        int text = elf.section(".text", ElfSection.PROG_BITS, 6, new byte[8 * 300]);
        int xdp = elf.section("xdp", ElfSection.PROG_BITS, 6, code.array());
        elf.symbol("main", ElfSymbol.FUNCTION, xdp, 0, 8 * 300);
        int[] relocations = new int[3 * 300];
        for (int i = 0; i < 300; i++) {
            relocations[3 * i] = 8 * i;
            relocations[3 * i + 1] = elf.symbol("f" + i, ElfSymbol.FUNCTION, text, 8L * i, 8);
            relocations[3 * i + 2] = ElfRelocation.BPF_64_32;
        }
        elf.relocations(xdp, relocations);
        refused(Stage.OBJECT, "program main calls more than 255 functions", elf.build());
    }

    @Test
    void sectionsThatShareBytesAreRefused() {
        byte[] file = bent(bytes ->
                bytes.putLong(TABLE + 4 * 64 + 24, bytes.getLong(TABLE + 3 * 64 + 24) + 8));
        refused(Stage.ELF, "section 4 xdp overlaps section 3 .text", file);
    }

    /** Without that rule a file of two megabytes would stand for 130,000,000 relocations. */
    @Test
    void manyTablesThatShareOneMegabyteAreRefused() {
        int tables = 2000;
        ElfBuilder elf = new ElfBuilder(LITTLE);
        int target = elf.section(".BTF", ElfSection.PROG_BITS, 0, ContextTypes.shipped().btf().toBytes());
        int first = elf.relocations(target, new int[3 << 16]);
        for (int i = 1; i < tables; i++) {
            elf.relocations(target);
        }
        ByteBuffer file = ByteBuffer.wrap(elf.build()).order(LITTLE);
        for (int i = 1; i < tables; i++) {
            int header = TABLE + 64 * (first + i);
            file.putLong(header + 24, file.getLong(TABLE + 64 * first + 24)).putLong(header + 32, 1 << 20);
        }
        refused(Stage.ELF, "overlaps section", file.array());
    }

    @Test
    void theFirstHeaderStandsForNoSection() {
        byte[] file = bent(bytes -> {
            int types = TABLE + 6 * 64;
            bytes.putInt(TABLE, bytes.getInt(types)).putInt(TABLE + 4, ElfSection.PROG_BITS);
            bytes.putLong(TABLE + 32, -1).putInt(types + 4, ElfSection.NONE);
        });
        refused(Stage.READ, "no section .BTF", file);
    }

    @Test
    void bentObjectsMeetOnlyTheTypedError() {
        ObjectBender.fuzz(SmallObject.build(LITTLE), BENT);
        ObjectBender.fuzz(SmallObject.build(ByteOrder.BIG_ENDIAN), BENT / 4);
    }

    private static byte[] bent(Consumer<ByteBuffer> bend) {
        ByteBuffer file = ByteBuffer.wrap(SmallObject.build(LITTLE)).order(LITTLE);
        bend.accept(file);
        return file.array();
    }

    private static void refused(Stage stage, String text, byte[] file) {
        BpfException refusal = assertThrows(BpfException.class, () -> BpfObject.parse(file));
        assertEquals(stage, refusal.stage(), refusal::getMessage);
        assertTrue(refusal.text().contains(text), refusal::getMessage);
    }
}
