package io.vhost.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.bpf.ProgramLoad.Passed;
import io.vhost.bpf.btf.BtfExt.FunctionInfo;
import io.vhost.bpf.btf.BtfExt.LineInfo;
import io.vhost.bpf.btf.BtfType;
import io.vhost.bpf.context.ProgramType;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class DebugInfoCheckTest {
    private static final ArgumentShape.Built BUILT = new ArgumentShape("own", (builder, integer, own) ->
            builder.pointer(builder.struct(own, 4, new BtfType.Member("m", integer, 0, 0))))
            .build(List.of(), BtfType.Function.GLOBAL, false, ProgramType.XDP.programContext());
    /** Five instructions: a call, two that end the program, two of the function called. */
    private static final ProgramLoad PROGRAM =
            new ProgramLoad(ProgramType.XDP, 0, 0, 0, BUILT.main(), BUILT.called(), Passed.CONTEXT);
    private static final byte[] OPCODES = {(byte) 0x85, (byte) 0xb7, (byte) 0x95, (byte) 0xb7, (byte) 0x95};
    private static final int[] STARTS = {0, 3};

    /** Words of information, and what is wrong with them. */
    private static final class Case {
        private final String text;
        private final int[] words;

        Case(String text, int... words) {
            this.text = text;
            this.words = words;
        }
    }

    private static List<Case> functionCases() {
        int main = BUILT.main();
        int called = BUILT.called();
        List<Case> cases = new ArrayList<>();
        cases.add(new Case("", 0, main, 3, called));
        cases.add(new Case("nonzero insn_off 1 for the first func info record", 1, main, 3, called));
        cases.add(new Case("same or smaller insn offset (0) than previous func info record (0)", 0, main, 0,
                called));
        cases.add(new Case("invalid type id 1 in func info", 0, main, 3, 1));
        cases.add(new Case("invalid type id 999 in func info", 0, main, 3, 999));
        cases.add(new Case("number of funcs in func_info doesn't match number of subprogs", 0, main));
        cases.add(new Case("func_info BTF section doesn't match subprog layout in BPF program", 0, main, 2,
                called));
        return cases;
    }

    private static List<Case> lineCases() {
        List<Case> cases = new ArrayList<>();
        cases.add(new Case("", 0, 1, 1, 0, 3, 1, 1, 0));
        cases.add(new Case("Invalid line_info[1].insn_off:0 (prev_offset:0 prog->len:5)", 0, 1, 1, 0, 0, 1,
                1, 0));
        cases.add(new Case("Invalid line_info[1].insn_off:5 (prev_offset:0 prog->len:5)", 0, 1, 1, 0, 5, 1,
                1, 0));
        cases.add(new Case("Invalid line_info[0].line_off or .file_name_off", 0, 9999, 1, 0));
        cases.add(new Case("Invalid line_info[0].line_off or .file_name_off", 0, 1, 9999, 0));
        cases.add(new Case("missing bpf_line_info for func#1", 0, 1, 1, 0, 4, 1, 1, 0));
        cases.add(new Case("missing bpf_line_info for func#0", 1, 1, 1, 0));
        cases.add(new Case("missing bpf_line_info for 1 funcs starting from func#1", 0, 1, 1, 0));
        return cases;
    }

    @Test
    void functionInformationMustFitTheProgram() {
        functionCases().forEach(test -> assertEquals(test.text, functions(test.words)));
    }

    @Test
    void lineInformationMustFitTheProgram() {
        lineCases().forEach(test -> assertEquals(test.text, lines(test.words, OPCODES)));
        byte[] wide = {0x18, 0, (byte) 0x95, (byte) 0xb7, (byte) 0x95};
        assertEquals("Invalid insn code at line_info[1].insn_off", lines(new int[] {0, 1, 1, 0, 1, 1, 1, 0},
                wide));
    }

    @Test
    @Tag("peer")
    void theKernelSaysTheSame() {
        try (Kernel kernel = Kernel.open()) {
            Kernel.Answer blob = kernel.loadBtfKeeping(BUILT.btf().toBytes());
            functionCases().forEach(test ->
                    compare(kernel.loadProgram(PROGRAM, blob.result(), test.words, new int[0]), test.text));
            lineCases().forEach(test ->
                    compare(kernel.loadProgram(PROGRAM, blob.result(), PROGRAM.functionInfo(), test.words),
                            test.text));
            Kernel.close(blob.result());
        }
    }

    private static void compare(Kernel.Answer answer, String text) {
        if (text.isEmpty()) {
            assertTrue(answer.result() >= 0, answer::log);
            Kernel.close(answer.result());
            return;
        }
        assertEquals(22, answer.errno(), text);
        assertTrue(answer.log().lines().anyMatch(line -> line.startsWith(text)), answer::log);
    }

    private static String functions(int[] words) {
        List<FunctionInfo> records = new ArrayList<>();
        for (int i = 0; i < words.length; i += 2) {
            records.add(new FunctionInfo(words[i], words[i + 1]));
        }
        return DebugInfoCheck.functions(BUILT.btf(), records, STARTS).orElse("");
    }

    private static String lines(int[] words, byte[] opcodes) {
        List<LineInfo> records = new ArrayList<>();
        for (int i = 0; i < words.length; i += 4) {
            records.add(new LineInfo(words[i], words[i + 1], words[i + 2], words[i + 3] >>> 10, words[i
                    + 3] & 0x3FF));
        }
        return DebugInfoCheck.lines(BUILT.btf(), records, opcodes, STARTS).orElse("");
    }
}
