package io.vhost.bpf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Which registers hold the context at a call, instruction by instruction. */
class FunctionCodeTest {
    private static final BpfFunction PART = new BpfFunction("part", ".text", 0, 1, 0, List.of(), "");
    private static final long CALL = instruction(0x85, 0, 1, 0, 0);
    private static final long EXIT = instruction(0x95, 0, 0, 0, 0);
    private static final int R1 = 0b10;

    private static long instruction(int opcode, int target, int source, int offset, int immediate) {
        return opcode | target << 8 | source << 12 | (offset & 0xFFFFL) << 16 | (long) immediate << 32;
    }

    private static List<FunctionCode.Call> calls(int given, long... instructions) {
        ByteBuffer code = ByteBuffer.allocate(8 * instructions.length).order(ByteOrder.LITTLE_ENDIAN);
        Map<Integer, BpfFunction> called = new HashMap<>();
        for (int i = 0; i < instructions.length; i++) {
            code.putLong(8 * i, instructions[i]);
            if (instructions[i] == CALL) {
                called.put(i, PART);
            }
        }
        return new FunctionCode(code, called, Map.of()).calls(given);
    }

    static Stream<Arguments> beforeTheCall() {
        long move = instruction(0xbf, 6, 1, 0, 0);
        long back = instruction(0xbf, 1, 6, 0, 0);
        long zero = instruction(0xb7, 1, 0, 0, 0);
        return Stream.of(
                arguments("nothing", R1, new long[] {}),
                arguments("kept over a call", R1, new long[] {move, instruction(0x85, 0, 0, 0, 5), back}),
                arguments("lost in a call", 0, new long[] {instruction(0x85, 0, 0, 0, 5)}),
                arguments("copied", R1 | 1 << 3, new long[] {instruction(0xbf, 3, 1, 0, 0)}),
                arguments("copied in part", R1, new long[] {instruction(0xbc, 3, 1, 0, 0)}),
                arguments("copied with a sign", R1, new long[] {instruction(0xbf, 3, 1, 32, 0)}),
                arguments("moved", R1, new long[] {instruction(0x07, 3, 0, 0, 8)}),
                arguments("changed", 0, new long[] {instruction(0x07, 1, 0, 0, 8)}),
                arguments("overwritten by a number", 0, new long[] {zero}),
                arguments("overwritten from memory", 0, new long[] {instruction(0x79, 1, 10, -8, 0)}),
                arguments("stored", R1, new long[] {instruction(0x7b, 10, 1, -8, 0)}),
                arguments("exchanged with memory", 0, new long[] {instruction(0xdb, 10, 1, -8, 0xe1)}),
                arguments("overwritten by a wide number", 0, new long[] {instruction(0x18, 1, 0, 0, 1), 0}),
                arguments("beside a wide number", R1, new long[] {instruction(0x18, 2, 0, 0, 1), zero}),
                arguments("lost on one way", 0, new long[] {instruction(0x15, 2, 0, 1, 0), zero}),
                arguments("jumped over", R1, new long[] {instruction(0x05, 0, 0, 1, 0), zero}),
                arguments("jumped over far", R1, new long[] {instruction(0x06, 0, 0, 0, 1), zero}),
                arguments("lost in a loop", 0, new long[] {move, instruction(0x15, 2, 0, 2, 0), zero,
                    instruction(0x05, 0, 0, -4, 0)}),
                arguments("kept in a loop", R1, new long[] {move, instruction(0x15, 2, 0, 2, 0), back,
                    instruction(0x05, 0, 0, -4, 0)}),
                arguments("a jump to nowhere", R1, new long[] {instruction(0x15, 2, 0, 1000, 0)}));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("beforeTheCall")
    void theContextAtACallIsWhereEveryWayLeftIt(String what, int expected, long[] before) {
        long[] code = new long[before.length + 2];
        System.arraycopy(before, 0, code, 0, before.length);
        code[before.length] = CALL;
        code[before.length + 1] = EXIT;
        assertEquals(List.of(new FunctionCode.Call(before.length, PART, expected)), calls(R1, code), what);
    }

    @Test
    void aCallThatNobodyReachesIsNone() {
        assertEquals(List.of(), calls(R1, EXIT, CALL, EXIT));
        assertEquals(List.of(), calls(R1, instruction(0x05, 0, 0, 1, 0), CALL, EXIT));
    }

    @Test
    void everyArgumentIsFollowed() {
        int all = 0b111110;
        assertEquals(all, calls(all, CALL, EXIT).getFirst().contexts());
        assertEquals(0, calls(0, CALL, EXIT).getFirst().contexts());
    }
}
