package io.vhost.app.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import io.vhost.app.cli.EndSignal;
import io.vhost.bpf.Clang;
import io.vhost.peer.Peers;
import java.io.PrintWriter;
import java.io.RandomAccessFile;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BpfCommandTest {
    private static final String RIGHT = """
            SEC("xdp") int right(struct xdp_md *c) { return 0; }
            """;
    private static final String WRONG = RIGHT + """
            SEC("tc") int wrong(struct xdp_md *c) { return 0; }
            """;

    @TempDir
    private Path folder;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @Test
    @Tag("peer")
    void theExitStatusIsZeroOnlyIfAllProgramsPass() throws Exception {
        assertEquals(0, run("inspect", Clang.compile(folder, "right", RIGHT).toString()), err::toString);
        assertTrue(text().contains("\n  right                xdp              XDP, 2 instructions: pass\n"),
                this::text);
        assertTrue(text().endsWith("1 program, 0 refused (strict)\n"), this::text);
        assertEquals(1, run("inspect", Clang.compile(folder, "wrong", WRONG).toString()));
        assertTrue(text().contains("""
                      arg#0 is `struct xdp_md *`, SCHED_CLS programs take `struct __sk_buff *`
                      ; SEC("tc") int wrong(struct xdp_md *c) { return 0; } @ wrong.c:2
                """), this::text);
        assertTrue(text().endsWith("2 programs, 1 refused (strict)\n"), this::text);
        assertEquals(0, run("inspect", "--mode=kernel", folder.resolve("wrong.o").toString()));
        assertEquals(1, run("inspect", "--mode=seed", folder.resolve("wrong.o").toString()));
    }

    @Test
    @Tag("peer")
    void linesOfInstructionsAreListedOnRequest() throws Exception {
        assertEquals(0, run("inspect", "--lines", Clang.compile(folder, "right", RIGHT).toString()));
        assertTrue(text().contains("   0: SEC(\"xdp\") int right(struct xdp_md *c) { return 0; } @ "),
                this::text);
    }

    @Test
    @Tag("peer")
    void jsonHoldsTheSame() throws Exception {
        assertEquals(1, run("inspect", "--json", Clang.compile(folder, "wrong", WRONG).toString()));
        List<String> verdicts = strings("verdict");
        assertEquals(List.of("PASS", "PASS", "REJECT", "REJECT"), verdicts);
        assertEquals(List.of("GPL"), strings("license"));
        assertEquals(List.of("XDP", "SCHED_CLS"), strings("type"));
        assertTrue(text().contains("\"passed\" : false"), this::text);
    }

    @Test
    void aFileThatIsNoObjectIsRefusedWithStageAndPlace() throws Exception {
        Path file = Files.writeString(folder.resolve("text"), "no object");
        assertEquals(1, run("inspect", file.toString()));
        assertEquals(file + ": ELF at offset 0: not an ELF file\n", err.toString());
        assertEquals(1, run("inspect", "--json", file.toString()));
        assertEquals(List.of("ELF"), strings("stage"));
        assertEquals(List.of("not an ELF file"), strings("text"));
    }

    @Test
    @Tag("peer")
    void anObjectForAnotherMachineIsNamedWithTheRemedy() throws Exception {
        Path source = Files.writeString(folder.resolve("x.c"), "int main(void) { return 0; }");
        Path object = folder.resolve("x.o");
        Peers.require("clang");
        Clang.run("clang", "-target", "x86_64-linux-gnu", "-g", "-c", source.toString(), "-o",
                object.toString());
        assertEquals(1, run("inspect", object.toString()));
        assertEquals(object + ": ELF at offset 18: made for x86-64 (machine 62), not for BPF (machine 247):"
                + " compile with clang -target bpf\n", err.toString());
    }

    /** An author who writes what is said has a program that passes. */
    @Test
    @Tag("peer")
    void whatIsSaidOfAContextHelps() throws Exception {
        String unnamed = """
                typedef struct { __u64 pad; long id; } entry;
                SEC("tracepoint/raw_syscalls/sys_enter") int enter(entry *c) { return c->id == 1; }
                """;
        assertEquals(1, run("inspect", Clang.compile(folder, "unnamed", unnamed).toString()));
        assertTrue(text().contains("arg#0 is `entry *`, TRACEPOINT programs take any struct that has a name"),
                this::text);
        assertEquals(0, run("inspect", Clang.compile(folder, "named",
                unnamed.replace("struct {", "struct anything {")).toString()), this::text);
        assertEquals(0, run("inspect", Clang.compile(folder, "announced", """
                struct bpf_iter__task;
                SEC("iter/task") int dump(struct bpf_iter__task *c) { return 0; }
                """).toString()), this::text);
        String other = """
                struct task_struct { int pid; };
                SEC("iter/task") int dump(struct task_struct *c) { return 0; }
                """;
        assertEquals(1, run("inspect", Clang.compile(folder, "other", other).toString()));
        assertTrue(text().contains(
                "TRACING programs take `struct bpf_iter__NAME *` in a section iter/NAME\n"), this::text);
        assertEquals(0, run("inspect", Clang.compile(folder, "iterator",
                other.replace("task_struct", "bpf_iter__task")).toString()), this::text);
    }

    @Test
    void aFileThatCannotBeReadIsOneLineWithItsName() throws Exception {
        Path missing = folder.resolve("missing");
        assertEquals(1, run("inspect", missing.toString()));
        assertEquals(missing + ": no such file\n", err.toString());
        assertEquals(1, run("inspect", folder.toString()));
        assertEquals(folder + ": Is a directory\n", err.toString());
        assertEquals(1, run("inspect", "--json", missing.toString()));
        assertEquals(List.of("no such file"), strings("text"));
        assertEquals(List.of(missing.toString()), strings("file"));
        Path huge = folder.resolve("huge");
        try (RandomAccessFile file = new RandomAccessFile(huge.toFile(), "rw")) {
            file.setLength((64 << 20) + 1);
        }
        assertEquals(1, run("inspect", huge.toString()));
        assertEquals(huge + ": has more than 67108864 bytes; no BPF object is that large\n", err.toString());
    }

    @Test
    @Tag("peer")
    void kernelTypesThatAreNoneAreBlamedThemselves() throws Exception {
        String object = Clang.compile(folder, "right", RIGHT).toString();
        Path types = Files.writeString(folder.resolve("types"), "no types");
        assertEquals(1, run("inspect", "--kernel-types=" + types, object));
        assertTrue(err.toString().startsWith(types + ": CONTEXT at offset "), err::toString);
        assertEquals(1, run("inspect", "--kernel-types=" + folder.resolve("missing"), object));
        assertEquals(folder.resolve("missing") + ": no such file\n", err.toString());
    }

    @Test
    @Tag("peer")
    void anObjectWithoutProgramsDoesNotPass() throws Exception {
        assertEquals(1, run("inspect", Clang.compile(folder, "library",
                "int shared(struct xdp_md *c) { return 0; }").toString()));
        assertTrue(text().endsWith("\nNo program: nothing was checked.\n"), this::text);
    }

    @Test
    @Tag("peer")
    void typesAreWrittenInCOnRequest() throws Exception {
        String object = Clang.compile(folder, "right", RIGHT).toString();
        assertEquals(0, run("inspect", "--types", object));
        assertTrue(text().contains("\nTypes\n"), this::text);
        assertTrue(text().contains("  struct xdp_md {\n  \t__u32 data;\n"), this::text);
        assertEquals(0, run("inspect", "--types", "--json", object));
        assertTrue(strings("definitions").getFirst().contains("struct xdp_md {\n\t__u32 data;\n"),
                this::text);
        assertEquals(0, run("inspect", "--json", object));
        assertEquals(List.of(), strings("definitions"));
    }

    @Test
    @Tag("peer")
    void theUserMayTellWhatTheObjectDoesNot() throws Exception {
        String object = Clang.compile(folder, "untold", """
                SEC("prog") int old(struct xdp_md *c) { return 0; }
                SEC("freplace/part") int part(struct xdp_md *c, int x) { return x; }
                """).toString();
        assertEquals(1, run("inspect", object));
        assertTrue(text().contains("section name 'prog' tells no program type"), this::text);
        assertEquals(0, run("inspect", "--section=xdp", "--extends=xdp", object), this::text);
        assertEquals(0, run("inspect", "--json", "--section=xdp", "--extends=xdp", object));
        assertEquals(List.of("CONTEXT", "CONTEXT", "SCALAR"), strings("kind"));
        assertEquals(1, run("inspect", "--section=tc", object));
        assertTrue(text().contains("SCHED_CLS programs take `struct __sk_buff *`"), this::text);
        assertEquals(2, run("inspect", "--section=prog", object));
        assertTrue(err.toString().contains("section name 'prog' tells no program type"), err::toString);
    }

    @Test
    @Tag("peer")
    void whatUnreliableMeansIsSaidWhereItHappens() throws Exception {
        assertEquals(0, run("inspect", Clang.compile(folder, "pointer", """
                static __noinline int read(int *p) { return *(volatile int *) p; }
                SEC("xdp") int right(struct xdp_md *c) { int x = c->data; return read(&x); }
                """).toString()));
        assertTrue(text().contains("calls read: unreliable\n"), this::text);
        assertTrue(text().contains("\nunreliable: the kernel accepts the function,"), this::text);
        assertEquals(0, run("inspect", Clang.compile(folder, "right", RIGHT).toString()));
        assertFalse(text().contains("unreliable"), this::text);
    }

    @Test
    void aWrongCommandLineIsTwo() {
        assertEquals(2, run());
        assertEquals(2, run("inspect"));
        assertEquals(2, run("inspect", "--mode=lenient", "x"));
        assertTrue(err.toString().contains("'lenient' is none of strict, kernel, seed"), err::toString);
        assertEquals(0, run("inspect", "--help"));
        assertTrue(text().contains("Exit status"), this::text);
    }

    private int run(String... arguments) {
        out.getBuffer().setLength(0);
        err.getBuffer().setLength(0);
        return BpfCommand.commandLine(new EndSignal()).setOut(new PrintWriter(out))
                .setErr(new PrintWriter(err, true))
                .execute(arguments);
    }

    private String text() {
        return out.toString();
    }

    /** All strings of this name, in order. */
    private List<String> strings(String name) throws Exception {
        List<String> values = new ArrayList<>();
        try (JsonParser parser = new JsonFactory().createParser(text())) {
            while (parser.nextToken() != null) {
                if (parser.currentToken() == JsonToken.VALUE_STRING && name.equals(parser.currentName())) {
                    values.add(parser.getText());
                }
            }
        }
        return values;
    }
}
