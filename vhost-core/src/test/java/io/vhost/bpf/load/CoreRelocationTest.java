package io.vhost.bpf.load;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.bpf.BpfException;
import io.vhost.bpf.BpfObject;
import io.vhost.bpf.BpfProgram;
import io.vhost.bpf.Clang;
import io.vhost.bpf.LinkedProgram;
import io.vhost.bpf.btf.Btf;
import io.vhost.bpf.btf.BtfKind;
import io.vhost.bpf.map.MapFactory;
import io.vhost.bpf.mem.Address;
import io.vhost.bpf.run.Abort;
import io.vhost.bpf.run.ContextLayout;
import io.vhost.bpf.run.Cpu;
import io.vhost.bpf.run.PacketBuffer;
import io.vhost.bpf.view.TypedValue;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What programs ask about types (CO-RE) is answered from those that the application names. */
@Tag("peer")
class CoreRelocationTest {
    private static final String CORE = """
            #define CORE __attribute__((preserve_access_index))
            typedef unsigned short __u16;
            #define FIELD(x, kind) __builtin_preserve_field_info(x, kind)
            #define TYPE(t, kind) __builtin_preserve_type_info(*(t *) 0, kind)
            #define VALUE(t, v, kind) __builtin_preserve_enum_value(*(t *) v, kind)
            """;
    private static final String OWN = CORE + """
            struct inner { __u32 z; } CORE;
            struct flow___mine { __u32 bytes; int state; __u32 bits : 5; __u16 ports[4]; struct inner in;
                __u32 gone; } CORE;
            struct absent { int x; } CORE;
            struct shape { int a; } CORE;
            enum verdict { V_DROP = 1, V_PASS = 2, V_GONE = 3 };
            __u64 out[32];
            """;
    private static final String OTHERS = """
            typedef unsigned short __u16;
            struct inner { __u64 y; __u32 z; };
            struct flow { __u64 before; __u64 bytes; __u32 : 3, bits : 7;
                union { struct { long pad; int state; }; }; __u16 ports[8]; struct inner in; };
            struct shape { int b; };
            enum verdict { V_PASS = 20, V_DROP = 0x12345678 };
            struct flow flow; struct shape shape; enum verdict verdict;
            SEC("xdp") int one(struct xdp_md *ctx) { return flow.bytes + shape.b + verdict; }
            """;
    private static final String QUESTIONS = """
            SEC("xdp") int ask(struct xdp_md *ctx) {
                struct flow___mine *f = 0;
                out[0] = FIELD(f->bytes, 0);
                out[1] = FIELD(f->bytes, 1);
                out[2] = FIELD(f->bytes, 2);
                out[3] = FIELD(f->state, 3);
                out[4] = FIELD(f->bits, 4);
                out[5] = FIELD(f->bits, 5);
                out[6] = FIELD(f->gone, 2);
                out[7] = FIELD(f->state, 0);
                out[8] = FIELD(f->ports[2], 0);
                out[9] = FIELD(f->in.z, 0);
                out[10] = TYPE(struct flow___mine, 0);
                out[11] = TYPE(struct flow___mine, 1);
                out[12] = TYPE(struct absent, 0);
                out[13] = VALUE(enum verdict, V_DROP, 0);
                out[14] = VALUE(enum verdict, V_DROP, 1);
                out[15] = VALUE(enum verdict, V_GONE, 0);
                out[16] = __builtin_btf_type_id(*(struct flow___mine *) 0, 1);
                out[17] = VALUE(enum verdict, V_PASS, 1);
                if (FIELD(f->gone, 2)) out[18] = FIELD(f->gone, 0);
                return 2;
            }
            """;

    @TempDir
    private Path folder;

    private BpfObject object(String name, String source) throws Exception {
        return BpfObject.read(Clang.compile(folder, name, source, "-mcpu=v3"));
    }

    private static final class Answers {
        private final Cpu cpu = new Cpu(0);
        private final LoadedObject loaded;
        private final long result;

        Answers(BpfObject object, Btf types, String name) throws Exception {
            LoadOptions options = LoadOptions.of(new MapFactory(1, 1 << 20));
            loaded = LoadedObject.load(object, types == null ? options : options.types(types));
            byte[] packet = new byte[128];
            for (int i = 0; i < packet.length; i++) {
                packet[i] = (byte) i;
            }
            new PacketBuffer(cpu, ContextLayout.XDP).set(packet, 1, 0);
            result = loaded.program(name).run(cpu, Address.CONTEXT, 0);
        }

        long at(int place) {
            TypedValue values = loaded.typed(".bss").get(loaded.typed(".bss").newKey()).orElseThrow();
            return values.number("out[" + place + "]");
        }
    }

    @Test
    void allKindsAreAnsweredFromTheNamedTypes() throws Exception {
        Btf others = object("others", OTHERS).btf();
        Answers answers = new Answers(object("own", OWN + QUESTIONS), others, "ask");
        assertEquals(Abort.NONE, answers.cpu.abort());
        long[] expected = {8, 8, 1, 1, 64 - 10, 64 - 7, 0, 32, 40 + 4, 56 + 8, 1, 72, 0, 1, 0x12345678, 0,
                others.find(BtfKind.STRUCT, "flow"), 20, 0};
        for (int i = 0; i < expected.length; i++) {
            assertEquals(expected[i], answers.at(i), "question " + i);
        }
    }

    @Test
    void withoutTypesTheObjectsOwnAreTheAnswer() throws Exception {
        Answers answers = new Answers(object("own", OWN + QUESTIONS), null, "ask");
        long[] expected = {0, 4, 1, 1, 64 - 5, 64 - 5, 1, 4, 14, 20, 1, 28, 1, 1, 1, 1};
        for (int i = 0; i < expected.length; i++) {
            assertEquals(expected[i], answers.at(i), "question " + i);
        }
    }

    /** The offset in a load changes, and with it its size: this struct has a __u64 where ours has a __u32. */
    @Test
    void loadsMoveAndGrowWithTheirField() throws Exception {
        String source = OWN + """
                SEC("xdp") int load(struct xdp_md *ctx) {
                    struct flow___mine *f = (void *) (long) ctx->data;
                    if ((void *) f + 96 > (void *) (long) ctx->data_end) return -1;
                    out[0] = f->bytes;
                    f->ports[1] = 7;
                    out[1] = *(__u16 *) ((void *) f + 42);
                    return f->in.z & 0xff;
                }
                """;
        Answers answers = new Answers(object("own", source), object("others", OTHERS).btf(), "load");
        assertEquals(Abort.NONE, answers.cpu.abort());
        assertEquals(0x0b0a0908, (int) answers.at(0));
        assertEquals(7, answers.at(1));
        assertEquals(64, answers.result);
    }

    @Test
    void whatIsReachedWithoutAnAnswerEndsTheProgramAndIsNamed() throws Exception {
        BpfObject object = object("own", OWN + """
                SEC("xdp") int gone(struct xdp_md *ctx) {
                    struct flow___mine *f = (void *) (long) ctx->data;
                    if ((void *) f + 96 > (void *) (long) ctx->data_end) return -1;
                    return f->gone;
                }
                """);
        Btf others = object("others", OTHERS).btf();
        Answers answers = new Answers(object, others, "gone");
        assertEquals(Abort.UNRESOLVED, answers.cpu.abort());
        BpfProgram program = object.programs().getFirst();
        LinkedProgram linked = object.link(program, others);
        assertEquals(1, linked.unresolved().size());
        String text = linked.unresolved().values().iterator().next();
        assertTrue(text.startsWith("the types that were named have no flow___mine with what the program asks"
                + " (FIELD_BYTE_OFFSET 0:5): test for it"), text);
        assertTrue(text.contains("return f->gone;"), text);
    }

    @Test
    void severalAnswersAreNone() throws Exception {
        Btf two = object("two", """
                struct shape { int b, a; }; struct shape shape;
                struct shape___old { int a; }; struct shape___old old;
                SEC("xdp") int one(struct xdp_md *ctx) { return old.a + shape.a; }
                """).btf();
        BpfObject object = object("own", OWN + """
                SEC("xdp") int ask(struct xdp_md *ctx) { return FIELD(((struct shape *) 0)->a, 0); }
                """);
        BpfException refused = assertThrows(BpfException.class,
                () -> object.link(object.programs().getFirst(), two));
        assertEquals(BpfException.Stage.LINK, refused.stage());
        assertTrue(refused.text().startsWith("several types are called struct shape and differ"),
                refused.text());
    }

    /** The kernel's own types, which are at hand where programs are run in the kernel. */
    @Test
    void contextsAreFoundInAKernelsTypes() throws Exception {
        io.vhost.peer.Peers.requireFile(Btf.HOST, "the kernel is built without BTF");
        Answers answers = new Answers(object("contexts", CORE + """
                struct xdp_md___core { __u32 egress_ifindex, data_end; } CORE;
                struct __sk_buff___core { __u32 mark, no_such_field; } CORE;
                __u64 out[8];
                SEC("xdp") int ask(struct xdp_md *ctx) {
                    out[0] = FIELD(((struct xdp_md___core *) 0)->egress_ifindex, 0);
                    out[1] = FIELD(((struct xdp_md___core *) 0)->data_end, 0);
                    out[2] = FIELD(((struct __sk_buff___core *) 0)->mark, 0);
                    out[3] = FIELD(((struct __sk_buff___core *) 0)->no_such_field, 2);
                    return 2;
                }
                """), Btf.read(Btf.HOST), "ask");
        assertEquals(20, answers.at(0));
        assertEquals(4, answers.at(1));
        assertEquals(8, answers.at(2));
        assertEquals(0, answers.at(3));
    }
}
