package io.vhost.bpf.btf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.bpf.BpfObject;
import io.vhost.bpf.Clang;
import io.vhost.bpf.btf.check.BtfValidator;
import io.vhost.peer.Peers;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CDumpTest {
    @Test
    void declarationsReadAsInC() throws BtfException {
        BtfBuilder builder = new BtfBuilder();
        int integer = builder.integer("int", 4, BtfType.Int.SIGNED);
        int context = builder.struct("xdp_md", 4, new BtfType.Member("data", integer, 0, 0));
        int constant = builder.add(new BtfType.Modifier(BtfKind.CONST, "", context, false));
        int pointer = builder.pointer(constant);
        int fixed = builder.add(new BtfType.Modifier(BtfKind.CONST, "", pointer, false));
        int array = builder.add(new BtfType.Array(fixed, integer, 4));
        int proto = builder.add(new BtfType.Prototype(0, List.of(new BtfType.Parameter("ctx", pointer),
                new BtfType.Parameter("", 0))));
        int callback = builder.pointer(proto);
        int toArray = builder.pointer(array);
        int main = builder.function("main", 1, integer, new BtfType.Parameter("c", callback));
        Btf btf = Btf.parse(builder.build());
        CTypes types = new CTypes(btf);
        assertEquals("const struct xdp_md *p", types.declare(pointer, "p"));
        assertEquals("const struct xdp_md *const p", types.declare(fixed, "p"));
        assertEquals("const struct xdp_md *const p[4]", types.declare(array, "p"));
        assertEquals("const struct xdp_md *const (*p)[4]", types.declare(toArray, "p"));
        assertEquals("void (*f)(const struct xdp_md *ctx, ...)", types.declare(callback, "f"));
        assertEquals("void (*)(const struct xdp_md *ctx, ...)", types.name(callback));
        assertEquals("int main(void (*c)(const struct xdp_md *ctx, ...))", types.function(main));
        assertEquals("void", types.name(0));
    }

    @Test
    void aPrototypeThatTakesItselfIsCut() throws BtfException {
        BtfBuilder builder = new BtfBuilder();
        builder.add(new BtfType.Prototype(0, List.of(new BtfType.Parameter("a", 2),
                new BtfType.Parameter("b", 2))));
        builder.pointer(1);
        Btf btf = Btf.parse(builder.build());
        assertTrue(new CTypes(btf).name(2).length() < 1 << 20);
    }

    /** As far as types may go, each behind as many arrays: a thread with little stack has room for it. */
    @Test
    void whatIsNestedDeeplyIsCut() throws Exception {
        BtfBuilder builder = new BtfBuilder();
        int integer = builder.integer("int", 4, BtfType.Int.SIGNED);
        int inner = integer;
        for (int nested = 0; nested < 40; nested++) {
            inner = builder.struct(nested < 39 ? "" : "outer", 4,
                    new BtfType.Member("m" + nested, inner, 0, 0));
            for (int array = 0; nested < 39 && array < 31; array++) {
                inner = builder.add(new BtfType.Array(inner, integer, 1));
            }
        }
        Btf btf = Btf.parse(builder.build());
        FutureTask<String> dump = new FutureTask<>(() -> CDump.all(btf));
        Thread small = new Thread(null, dump, "small", 512 << 10);
        small.start();
        String text = dump.get(60, TimeUnit.SECONDS);
        assertTrue(text.startsWith("struct outer {"), text);
        assertEquals(128 / 32 + 1, text.split("struct [^{;]*\\{", -1).length - 1, text);
    }

    @Test
    void namesCannotBreakOutOfADeclaration() throws BtfException {
        BtfBuilder builder = new BtfBuilder();
        int integer = builder.integer("long unsigned int", 8, 0);
        int struct = builder.struct("a;b", 8, new BtfType.Member("m; } int x", integer, 0, 0));
        int tag = builder.add(new BtfType.Modifier(BtfKind.TYPE_TAG, "q\")))\n", integer, false));
        int attribute = builder.add(
                new BtfType.Modifier(BtfKind.TYPE_TAG, "address_space(1)", integer, true));
        int broken = builder.add(new BtfType.Modifier(BtfKind.TYPE_TAG, "a)) int b((c", integer, true));
        int function = builder.function("f.isra.0", 1, integer, new BtfType.Parameter("p)", struct));
        Btf btf = Btf.parse(builder.build());
        CTypes types = new CTypes(btf);
        assertEquals("struct a_b", types.name(struct));
        assertEquals("__attribute__((btf_type_tag(\"q_)))_\"))) long unsigned int", types.name(tag));
        assertEquals("__attribute__((address_space(1))) long unsigned int", types.name(attribute));
        assertEquals("__attribute__((a___int_b__c)) long unsigned int", types.name(broken));
        assertEquals("long unsigned int f_isra_0(struct a_b p_)", types.function(function));
        assertEquals("""
                struct a_b {
                \tlong unsigned int m____int_x;
                };
                """, CDump.one(btf, struct));
    }

    @Test
    void definitionsStandBeforeTheirUse() throws BtfException {
        BtfBuilder builder = new BtfBuilder();
        builder.struct("outer", 16, new BtfType.Member("inner", 2, 0, 0), new BtfType.Member("self", 3, 64,
                0));
        builder.struct("inner", 4, new BtfType.Member("value", 4, 0, 0));
        builder.pointer(1);
        builder.typedef("number", 5);
        builder.integer("int", 4, BtfType.Int.SIGNED);
        assertEquals("""
                typedef int number;
                struct inner {
                \tnumber value;
                };
                struct outer {
                \tstruct inner inner;
                \tstruct outer *self;
                };
                """, CDump.one(Btf.parse(builder.build()), 1).replace("struct outer;\n", ""));
    }

    @Test
    void membersStandWhereTheTypesSay() throws BtfException {
        BtfBuilder builder = new BtfBuilder();
        int integer = builder.integer("int", 4, BtfType.Int.SIGNED);
        builder.struct("gap", 12, new BtfType.Member("a", integer, 32, 0));
        builder.struct("odd", 5, new BtfType.Member("a", integer, 8, 0));
        assertEquals("""
                struct gap {
                \tchar: 8;
                \tchar: 8;
                \tchar: 8;
                \tchar: 8;
                \tint a;
                \tchar: 8;
                \tchar: 8;
                \tchar: 8;
                \tchar: 8;
                };
                struct odd {
                \tchar: 8;
                \tint a;
                } __attribute__((packed));
                """, CDump.all(Btf.parse(builder.build())));
    }

    @Test
    @Tag("peer")
    void theKernelsTypesCompileToTheirSizesAndOffsets(@TempDir Path folder) throws Exception {
        Peers.require("clang");
        if (!Files.isReadable(Btf.HOST)) {
            Peers.missing("this kernel does not show its types in " + Btf.HOST);
        }
        Btf btf = Btf.read(Btf.HOST);
        Map<String, Integer> uses = new HashMap<>();
        for (int id = 1; id < btf.typeCount(); id++) {
            if (btf.kind(id).isComposite() || btf.kind(id).isEnum()) {
                uses.merge(btf.name(id), 1, Integer::sum);
            }
        }
        StringBuilder source = new StringBuilder(CDump.all(btf));
        int asserts = 0;
        for (int id = 1; id < btf.typeCount(); id++) {
            if (btf.type(id) instanceof BtfType.Composite type && !type.name().isEmpty()
                    && uses.get(type.name()) == 1) {
                String name = (type.kind() == BtfKind.UNION ? "union " : "struct ") + type.name();
                source.append("_Static_assert(sizeof(").append(name).append(") == ").append(type.size())
                        .append(", \"\");\n");
                asserts++;
                for (BtfType.Member member : type.members()) {
                    if (member.bitField() == 0 && !member.name().isEmpty()) {
                        source.append("_Static_assert(__builtin_offsetof(").append(name).append(", ")
                                .append(member.name()).append(") == ").append(member.offset() / 8)
                                .append(", \"\");\n");
                        asserts++;
                    }
                }
            }
        }
        Path file = Files.writeString(folder.resolve("vmlinux.c"), source);
        Clang.run("clang", "-fsyntax-only", "-Wno-everything", "-ferror-limit=20", file.toString());
        System.out.println("vmlinux as C: " + asserts + " sizes and offsets agree");
    }

    @Test
    @Tag("peer")
    void bitFieldsOfTheKernelsTypesCompileToTheirPlaces(@TempDir Path folder) throws Exception {
        Peers.require("clang");
        if (!Files.isReadable(Btf.HOST)) {
            Peers.missing("this kernel does not show its types in " + Btf.HOST);
        }
        Btf btf = Btf.read(Btf.HOST);
        StringBuilder source = new StringBuilder(CDump.all(btf));
        List<BtfType.Composite> kept = new ArrayList<>();
        for (int id = 1; id < btf.typeCount(); id++) {
            if (btf.type(id) instanceof BtfType.Composite type && !type.name().isEmpty()
                    && btf.find(type.kind(), type.name()) == id
                    && type.members().stream().anyMatch(member -> member.bitField() > 0)) {
                source.append(type.kind() == BtfKind.UNION ? "union " : "struct ").append(type.name())
                        .append(" *keep_").append(id).append(";\n");
                kept.add(type);
            }
        }
        Path file = Files.writeString(folder.resolve("bits.c"), source);
        Path object = folder.resolve("bits.o");
        Clang.run("clang", "-g", "-target", "bpf", "-w", "-c", file.toString(), "-o", object.toString());
        Btf compiled = BpfObject.read(object).btf();
        int compared = 0;
        for (BtfType.Composite type : kept) {
            int id = compiled.find(type.kind(), type.name());
            if (id != Btf.NOT_FOUND && compiled.type(id) instanceof BtfType.Composite back) {
                assertEquals(places(type), places(back), type::name);
                assertEquals(type.size(), back.size(), type::name);
                compared++;
            }
        }
        assertTrue(compared > kept.size() / 2, compared + " of " + kept.size());
        System.out.println("vmlinux as C: bit fields of " + compared + " structs agree");
    }

    @Test
    @Tag("peer")
    void anObjectOfTheOtherByteOrderIsReadAndWrittenAlike(@TempDir Path folder) throws Exception {
        String source = """
                enum e { LOW = -3, HIGH = 7 };
                union u { long l; char c[8]; };
                struct s { int a : 3; unsigned b : 7; enum e e; union u u; struct s *next; double d; };
                struct s state = {1}; const volatile short w;
                SEC("xdp") int program(struct xdp_md *c) { return state.a + w; }
                """;
        Btf little = BpfObject.read(Clang.compile(folder, "little", source)).btf();
        Btf big = BpfObject.read(Clang.compile(folder, "big", source, "--target=bpfeb")).btf();
        assertEquals(ByteOrder.BIG_ENDIAN, big.byteOrder());
        assertEquals(BtfDump.all(little), BtfDump.all(big));
        assertEquals(CDump.all(little), CDump.all(big));
        assertTrue(CDump.all(big).contains("\tunsigned int b: 7;\n"), () -> CDump.all(big));
        BtfValidator validator = BtfValidator.standard().byteOrder(ByteOrder.BIG_ENDIAN);
        Btf written = validator.load(new BtfBuilder(ByteOrder.BIG_ENDIAN).addAll(big).build());
        assertEquals(BtfDump.all(big), BtfDump.all(written));
    }

    private static List<String> places(BtfType.Composite type) {
        return type.members().stream().filter(member -> !member.name().startsWith("__gap_"))
                .map(member -> member.name() + " at " + member.offset() + ":" + member.bitField()).toList();
    }
}
