package io.vhost.app.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import io.vhost.bpf.Clang;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

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
    void aMissingFileIsOneLine() {
        assertEquals(1, run("inspect", folder.resolve("missing").toString()));
        assertEquals("no such file: " + folder.resolve("missing") + "\n", err.toString());
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
        return new CommandLine(new BpfCommand()).setOut(new PrintWriter(out)).setErr(new PrintWriter(err,
                true))
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
