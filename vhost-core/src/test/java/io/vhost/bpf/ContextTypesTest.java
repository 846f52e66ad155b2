package io.vhost.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.bpf.btf.Btf;
import io.vhost.bpf.btf.BtfBuilder;
import io.vhost.bpf.btf.BtfException;
import io.vhost.bpf.btf.BtfKind;
import io.vhost.bpf.btf.BtfType;
import io.vhost.bpf.btf.CDump;
import io.vhost.bpf.btf.Errno;
import io.vhost.bpf.btf.check.BtfValidator;
import io.vhost.bpf.context.AttachType;
import io.vhost.bpf.context.ContextType;
import io.vhost.bpf.context.ContextTypes;
import io.vhost.bpf.context.ProgramType;
import io.vhost.peer.Peers;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class ContextTypesTest {
    @Test
    void theShippedTypesPassTheValidator() throws BtfException {
        assertEquals("", BtfValidator.standard().check(ContextTypes.shipped().btf().toBytes()));
    }

    @Test
    void theShippedTypesHaveBothSidesOfEveryProgramType() {
        ContextTypes types = ContextTypes.shipped();
        for (ProgramType type : ProgramType.values()) {
            ContextTypes.Pair pair = types.pair(type).orElseThrow();
            assertEquals(type.programContext().name(), types.btf().name(pair.program()), type::name);
            assertEquals(type.kernelContext().name(), types.btf().name(pair.kernel()), type::name);
        }
    }

    @Test
    void theOrderOfTheMembersDoesNotMatter() throws Exception {
        BtfBuilder builder = new BtfBuilder();
        int first = builder.struct("xdp_md", 0);
        int second = builder.struct("xdp_buff", 0);
        builder.struct("bpf_ctx_convert", 0, new BtfType.Member("BPF_PROG_TYPE_XDP_kern", second, 0, 0),
                new BtfType.Member("BPF_PROG_TYPE_XDP_prog", first, 0, 0),
                new BtfType.Member("BPF_PROG_TYPE_LSM_prog", first, 0, 0),
                new BtfType.Member("something_else", first, 0, 0));
        ContextTypes types = ContextTypes.of(Btf.parse(builder.build()));
        assertEquals(new ContextTypes.Pair(first, second), types.pair(ProgramType.XDP).orElseThrow());
        assertTrue(types.pair(ProgramType.LSM).isEmpty());
    }

    @Test
    void aKernelWithoutContextTypesIsRefused() throws BtfException {
        BtfBuilder builder = new BtfBuilder();
        builder.add(new BtfType.Composite(BtfKind.UNION, "bpf_ctx_convert", 0, List.of(), false));
        Btf btf = Btf.parse(builder.build());
        BtfException refusal = assertThrows(BtfException.class, () -> ContextTypes.of(btf));
        assertEquals(Errno.ENOENT, refusal.errno());
        assertTrue(refusal.text().contains("bpf_ctx_convert"), refusal::text);
    }

    @Test
    @Tag("peer")
    void theKernelLoadsTheShippedTypes() {
        try (Kernel kernel = Kernel.open()) {
            Kernel.Answer answer = kernel.loadBtf(ContextTypes.shipped().btf().toBytes());
            assertTrue(answer.result() >= 0, answer::lastLine);
        }
    }

    @Test
    @Tag("peer")
    void theTablesAgreeWithTheRunningKernel() throws Exception {
        if (!Files.isReadable(Btf.HOST)) {
            Peers.missing("this kernel does not show its types in " + Btf.HOST);
        }
        ContextTypes host = ContextTypes.host();
        Btf shipped = ContextTypes.shipped().btf();
        for (ProgramType type : ProgramType.values()) {
            if (host.pair(type).isPresent()) {
                ContextTypes.Pair pair = host.pair(type).get();
                assertEquals(type.programContext().name(), host.btf().name(pair.program()), type::name);
                assertEquals(type.kernelContext().name(), host.btf().name(pair.kernel()), type::name);
                if (type.programContext().kind() == ContextType.Kind.STRUCT) {
                    assertEquals(members(host.btf(), pair.program()), members(shipped,
                            shipped.find(BtfKind.STRUCT, type.programContext().name())), type::name);
                }
            }
        }
        assertEquals(numbers(host.btf(), "bpf_prog_type"), Arrays.stream(ProgramType.values())
                .map(type -> type.kernelName() + "=" + type.id()).toList());
        List<String> attachTypes = new ArrayList<>(Arrays.stream(AttachType.values())
                .map(type -> type.kernelName() + "=" + type.id()).toList());
        attachTypes.removeIf(name -> name.startsWith("BPF_TRACE_FSESSION"));
        List<String> known = numbers(host.btf(), "bpf_attach_type");
        known.removeIf(name -> name.startsWith("BPF_TRACE_FSESSION"));
        assertEquals(known, attachTypes);
    }

    /** Name, place and type of each member, nested ones included, as C writes them. */
    private static String members(Btf btf, int id) {
        String definition = CDump.one(btf, id);
        String own = definition.substring(definition.lastIndexOf("struct " + btf.name(id) + " {"));
        return own + ((BtfType.Composite) btf.type(id)).members().stream()
                .map(member -> member.name() + "@" + member.offset()).toList();
    }

    private static List<String> numbers(Btf btf, String enumeration) {
        List<String> values = new ArrayList<>();
        for (BtfType.Value value : ((BtfType.Enumeration) btf.type(btf.find(BtfKind.ENUM,
                enumeration))).values()) {
            if (!value.name().startsWith("__MAX") && !value.name().endsWith("_UNSPEC")) {
                values.add(value.name() + "=" + value.value());
            }
        }
        return values;
    }
}
