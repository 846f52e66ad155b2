package io.vhost.bpf.btf;

/**
 * Lists types one record at a time, in the words and the order of {@code bpftool btf dump ... format raw}.
 *
 * <p>Thread: stateless.
 */
public final class BtfDump {
    private BtfDump() {
    }

    /** All types of {@code btf}; each line ends in a line feed. */
    public static String all(Btf btf) {
        StringBuilder text = new StringBuilder();
        for (int id = 1; id < btf.typeCount(); id++) {
            append(text, btf, id);
        }
        return text.toString();
    }

    /** One type with its members; each line ends in a line feed. */
    public static String one(Btf btf, int id) {
        StringBuilder text = new StringBuilder();
        append(text, btf, id);
        return text.toString();
    }

    private static void append(StringBuilder text, Btf btf, int id) {
        BtfType type = btf.type(id);
        text.append('[').append(id).append("] ").append(type.kind()).append(" '").append(shown(type.name()))
                .append('\'');
        switch (type) {
            case BtfType.Nothing v -> { }
            case BtfType.Unknown u -> text.append(" kind=").append(u.kindId());
            case BtfType.Int i ->
                    text.append(" size=").append(i.size()).append(" bits_offset=").append(i.offset())
                    .append(" nr_bits=").append(i.bits()).append(" encoding=").append(encoding(i.encoding()));
            case BtfType.Floating f -> text.append(" size=").append(f.size());
            case BtfType.Pointer p -> text.append(" type_id=").append(p.type());
            case BtfType.Modifier m -> text.append(" type_id=").append(m.type());
            case BtfType.Array a -> text.append(" type_id=").append(a.element()).append(" index_type_id=")
                    .append(a.index()).append(" nr_elems=").append(a.count());
            case BtfType.Composite c -> composite(text, c);
            case BtfType.Enumeration e -> enumeration(text, e);
            case BtfType.Forward f -> text.append(" fwd_kind=").append(f.union() ? "union" : "struct");
            case BtfType.Function f -> text.append(" type_id=").append(f.prototype()).append(" linkage=")
                    .append(linkage(f.linkage()));
            case BtfType.Prototype p -> {
                text.append(" ret_type_id=").append(p.returned()).append(" vlen=")
                        .append(p.parameters().size());
                for (BtfType.Parameter parameter : p.parameters()) {
                    text.append("\n\t'").append(shown(parameter.name())).append("' type_id=")
                            .append(parameter.type());
                }
            }
            case BtfType.Variable v -> text.append(" type_id=").append(v.type()).append(", linkage=")
                    .append(linkage(v.linkage()));
            case BtfType.Section s -> section(text, btf, s);
            case BtfType.DeclarationTag t ->
                    text.append(" type_id=").append(t.type()).append(" component_idx=")
                    .append(t.component());
        }
        text.append('\n');
    }

    private static void composite(StringBuilder text, BtfType.Composite type) {
        text.append(" size=").append(type.size()).append(" vlen=").append(type.members().size());
        for (BtfType.Member member : type.members()) {
            text.append("\n\t'").append(shown(member.name())).append("' type_id=").append(member.type())
                    .append(" bits_offset=").append(member.offset());
            if (member.bitField() != 0) {
                text.append(" bitfield_size=").append(member.bitField());
            }
        }
    }

    private static void enumeration(StringBuilder text, BtfType.Enumeration type) {
        text.append(" encoding=").append(type.signed() ? "SIGNED" : "UNSIGNED").append(" size=")
                .append(type.size()).append(" vlen=").append(type.values().size());
        String suffix = type.kind() == BtfKind.ENUM ? "" : type.signed() ? "LL" : "ULL";
        for (BtfType.Value value : type.values()) {
            text.append("\n\t'").append(value.name()).append("' val=")
                    .append(type.signed() ? Long.toString(value.value())
                            : Long.toUnsignedString(value.value()))
                    .append(suffix);
        }
    }

    private static void section(StringBuilder text, Btf btf, BtfType.Section type) {
        text.append(" size=").append(type.size()).append(" vlen=").append(type.variables().size());
        for (BtfType.Placed placed : type.variables()) {
            text.append("\n\ttype_id=").append(placed.variable()).append(" offset=").append(placed.offset())
                    .append(" size=").append(placed.size()).append(" (").append(btf.kind(placed.variable()))
                    .append(" '").append(shown(btf.name(placed.variable()))).append("')");
        }
    }

    private static String shown(String name) {
        return name.isEmpty() ? "(anon)" : name;
    }

    private static String encoding(int encoding) {
        return switch (encoding) {
            case 0 -> "(none)";
            case BtfType.Int.SIGNED -> "SIGNED";
            case BtfType.Int.CHAR -> "CHAR";
            case BtfType.Int.BOOL -> "BOOL";
            default -> "UNKN";
        };
    }

    private static String linkage(int linkage) {
        return switch (linkage) {
            case BtfType.Function.STATIC -> "static";
            case BtfType.Function.GLOBAL -> "global";
            case BtfType.Function.EXTERN -> "extern";
            default -> "(unknown)";
        };
    }
}
