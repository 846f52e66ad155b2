package io.vhost.bpf.btf;

import io.vhost.bpf.btf.raw.BtfRaw;
import java.util.ArrayList;
import java.util.List;

/** Turns one record into a {@link BtfType}. The record's structure has been checked. */
final class BtfDecoder {
    private BtfDecoder() {
    }

    static BtfType decode(BtfRaw raw, int id) {
        if (id == 0) {
            return new BtfType.Nothing();
        }
        String name = raw.name(raw.nameOffset(id));
        int third = raw.size(id);
        long size = Integer.toUnsignedLong(third);
        boolean flag = raw.kindFlag(id);
        BtfKind kind = BtfKind.of(raw.kindId(id));
        return switch (kind) {
            case UNKNOWN -> new BtfType.Unknown(raw.kindId(id), name);
            case INT -> {
                int data = raw.trailing(id, 0);
                yield new BtfType.Int(name, size, data >>> 24 & 0xF, data >>> 16 & 0xFF, data & 0xFF);
            }
            case PTR -> new BtfType.Pointer(third);
            case ARRAY -> new BtfType.Array(raw.trailing(id, 0), raw.trailing(id, 1),
                    Integer.toUnsignedLong(raw.trailing(id, 2)));
            case STRUCT, UNION -> new BtfType.Composite(kind, name, size, members(raw, id, flag), flag);
            case ENUM, ENUM64 -> new BtfType.Enumeration(kind, name, size, flag, values(raw, id, kind, flag));
            case FWD -> new BtfType.Forward(name, flag);
            case TYPEDEF, VOLATILE, CONST, RESTRICT, TYPE_TAG ->
                    new BtfType.Modifier(kind, name, third, flag);
            case FUNC -> new BtfType.Function(name, raw.vlen(id), third);
            case FUNC_PROTO -> new BtfType.Prototype(third, parameters(raw, id));
            case VAR -> new BtfType.Variable(name, third, raw.trailing(id, 0));
            case DATASEC -> new BtfType.Section(name, size, placed(raw, id));
            case FLOAT -> new BtfType.Floating(name, size);
            case DECL_TAG -> new BtfType.DeclarationTag(name, third, raw.trailing(id, 0), flag);
        };
    }

    private static List<BtfType.Member> members(BtfRaw raw, int id, boolean bitFields) {
        int count = raw.vlen(id);
        List<BtfType.Member> members = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            int place = raw.trailing(id, 3 * i + 2);
            long offset = bitFields ? place & 0xFFFFFF : Integer.toUnsignedLong(place);
            members.add(new BtfType.Member(raw.name(raw.trailing(id, 3 * i)), raw.trailing(id, 3 * i + 1),
                    offset, bitFields ? place >>> 24 : 0));
        }
        return List.copyOf(members);
    }

    private static List<BtfType.Value> values(BtfRaw raw, int id, BtfKind kind, boolean signed) {
        int count = raw.vlen(id);
        int stride = kind == BtfKind.ENUM64 ? 3 : 2;
        List<BtfType.Value> values = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            int low = raw.trailing(id, stride * i + 1);
            long value = signed ? low : Integer.toUnsignedLong(low);
            if (kind == BtfKind.ENUM64) {
                value = (long) raw.trailing(id, stride * i + 2) << 32 | Integer.toUnsignedLong(low);
            }
            values.add(new BtfType.Value(raw.name(raw.trailing(id, stride * i)), value));
        }
        return List.copyOf(values);
    }

    private static List<BtfType.Parameter> parameters(BtfRaw raw, int id) {
        int count = raw.vlen(id);
        List<BtfType.Parameter> parameters = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            parameters.add(new BtfType.Parameter(raw.name(raw.trailing(id, 2 * i)),
                    raw.trailing(id, 2 * i + 1)));
        }
        return List.copyOf(parameters);
    }

    private static List<BtfType.Placed> placed(BtfRaw raw, int id) {
        int count = raw.vlen(id);
        List<BtfType.Placed> variables = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            variables.add(new BtfType.Placed(raw.trailing(id, 3 * i),
                    Integer.toUnsignedLong(raw.trailing(id, 3 * i + 1)),
                    Integer.toUnsignedLong(raw.trailing(id, 3 * i + 2))));
        }
        return List.copyOf(variables);
    }
}
