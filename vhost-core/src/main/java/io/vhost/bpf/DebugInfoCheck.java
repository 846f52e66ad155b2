package io.vhost.bpf;

import io.vhost.bpf.btf.Btf;
import io.vhost.bpf.btf.BtfExt.FunctionInfo;
import io.vhost.bpf.btf.BtfExt.LineInfo;
import io.vhost.bpf.btf.BtfKind;
import java.util.List;
import java.util.Optional;

/**
 * Checks that function and line information belong to a program's instructions, in the order and with the
 * words of {@code BPF_PROG_LOAD} (Linux 6.18, kernel/bpf/verifier.c). Every refusal is EINVAL there.
 *
 * <p>Offsets count instructions of the whole program as it is loaded, its own function first, then those that
 * it calls. Thread: stateless.
 */
public final class DebugInfoCheck {
    private DebugInfoCheck() {
    }

    /**
     * Checks function information.
     *
     * @param btf     the program's types
     * @param records in order, offsets in instructions
     * @param starts  first instruction of each function of the program, ascending, from 0
     * @return what is wrong, or nothing
     */
    public static Optional<String> functions(Btf btf, List<FunctionInfo> records, int... starts) {
        if (records.isEmpty()) {
            return Optional.empty();
        }
        int previous = 0;
        for (int i = 0; i < records.size(); i++) {
            FunctionInfo info = records.get(i);
            if (i == 0 && info.offset() != 0) {
                return Optional.of("nonzero insn_off " + Integer.toUnsignedString(info.offset())
                        + " for the first func info record");
            }
            if (i > 0 && Integer.compareUnsigned(info.offset(), previous) <= 0) {
                return Optional.of("same or smaller insn offset (" + Integer.toUnsignedString(info.offset())
                        + ") than previous func info record (" + Integer.toUnsignedString(previous) + ")");
            }
            boolean known = info.typeId() >= 0 && info.typeId() < btf.typeCount();
            if (!known || btf.kind(info.typeId()) != BtfKind.FUNC) {
                return Optional.of("invalid type id " + info.typeId() + " in func info");
            }
            previous = info.offset();
        }
        if (records.size() != starts.length) {
            return Optional.of("number of funcs in func_info doesn't match number of subprogs");
        }
        for (int i = 0; i < starts.length; i++) {
            if (records.get(i).offset() != starts[i]) {
                return Optional.of("func_info BTF section doesn't match subprog layout in BPF program");
            }
        }
        return Optional.empty();
    }

    /**
     * Checks line information.
     *
     * @param btf     the program's types, whose strings the records refer to
     * @param records in order, offsets in instructions
     * @param opcodes first byte of each instruction; the second half of a 16-byte instruction has opcode 0
     * @param starts  first instruction of each function of the program, ascending, from 0
     * @return what is wrong, or nothing
     */
    public static Optional<String> lines(Btf btf, List<LineInfo> records, byte[] opcodes, int... starts) {
        if (records.isEmpty()) {
            return Optional.empty();
        }
        int next = 0;
        int previous = 0;
        for (int i = 0; i < records.size(); i++) {
            LineInfo info = records.get(i);
            int at = info.offset();
            boolean backwards = i > 0 && Integer.compareUnsigned(at, previous) <= 0;
            if (backwards || Integer.compareUnsigned(at, opcodes.length) >= 0) {
                return Optional.of("Invalid line_info[" + i + "].insn_off:" + Integer.toUnsignedString(at)
                        + " (prev_offset:" + Integer.toUnsignedString(previous) + " prog->len:"
                        + opcodes.length + ")");
            }
            if (opcodes[at] == 0) {
                return Optional.of("Invalid insn code at line_info[" + i + "].insn_off");
            }
            if (btf.string(info.text()) == null || btf.string(info.file()) == null) {
                return Optional.of("Invalid line_info[" + i + "].line_off or .file_name_off");
            }
            if (next < starts.length && at == starts[next]) {
                next++;
            } else if (next < starts.length && starts[next] < at) {
                return Optional.of("missing bpf_line_info for func#" + next);
            }
            previous = at;
        }
        return next == starts.length ? Optional.empty() : Optional.of("missing bpf_line_info for "
                + (starts.length - next) + " funcs starting from func#" + next);
    }
}
