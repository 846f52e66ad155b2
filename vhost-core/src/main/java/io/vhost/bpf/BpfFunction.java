package io.vhost.bpf;

import io.vhost.bpf.btf.Btf;
import io.vhost.bpf.btf.BtfExt.LineInfo;
import java.util.List;

/**
 * A function of an object: a program, or a part that programs call.
 *
 * @param name         its name
 * @param section      the section that holds its instructions
 * @param offset       bytes from the start of the section
 * @param instructions number of 8-byte instructions
 * @param typeId       its FUNC type, or 0 if the object does not say
 * @param lines        source lines of its instructions, by offset in the section
 * @param source       where it stands in its source: the line, the file and the line's number; may be empty
 */
public record BpfFunction(String name, String section, int offset, int instructions, int typeId,
                          List<LineInfo> lines, String source) {
    /** Where one of its instructions stands in its source; may be empty. */
    String source(Btf btf, int instruction) {
        int at = offset + 8 * instruction;
        return lines.stream().filter(line -> line.offset() <= at).reduce((_, last) -> last)
                .map(line -> source(btf, line)).orElse("");
    }

    /** A line of source with its place. */
    static String source(Btf btf, LineInfo line) {
        String file = btf.string(line.file());
        return btf.string(line.text()).strip() + " @ " + file.substring(file.lastIndexOf('/') + 1) + ":"
                + line.line();
    }
}
