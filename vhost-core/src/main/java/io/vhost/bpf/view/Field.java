package io.vhost.bpf.view;

import io.vhost.bpf.btf.Btf;
import io.vhost.bpf.btf.BtfType;
import java.util.List;

/**
 * A part of a struct or union, or a variable of a section.
 *
 * @param name     its name; may be empty
 * @param type     its type
 * @param offset   bits from the start
 * @param bitField bits of a bit field, 0 for any other part
 */
record Field(String name, int type, long offset, int bitField) {
    /** The parts of a type; none if it is a number, a pointer or an array. */
    static List<Field> of(Btf btf, int type) {
        return switch (btf.type(btf.strip(type))) {
            case BtfType.Composite struct -> struct.members().stream()
                    .map(m -> new Field(m.name(), m.type(), m.offset(), m.bitField())).toList();
            case BtfType.Section section -> section.variables().stream()
                    .map(v -> new Field(btf.name(v.variable()), btf.referred(v.variable()),
                    v.offset() * Byte.SIZE, 0)).toList();
            default -> List.of();
        };
    }
}
