package io.vhost.bpf.btf;

import io.vhost.bpf.btf.raw.BtfRaw;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;

/**
 * A blob for each thing that can be wrong with BTF, in the order in which validation looks.
 */
final class BtfFaults {
    private static final int FLAG = 1 << 31;
    private static final int INT = 1 << 24;
    private static final int PTR = 2 << 24;
    private static final int ARRAY = 3 << 24;
    private static final int STRUCT = 4 << 24;
    private static final int UNION = 5 << 24;
    private static final int ENUM = 6 << 24;
    private static final int FWD = 7 << 24;
    private static final int TYPEDEF = 8 << 24;
    private static final int VOLATILE = 9 << 24;
    private static final int CONST = 10 << 24;
    private static final int RESTRICT = 11 << 24;
    private static final int FUNC = 12 << 24;
    private static final int PROTO = 13 << 24;
    private static final int VAR = 14 << 24;
    private static final int DATASEC = 15 << 24;
    private static final int FLOAT = 16 << 24;
    private static final int DECL_TAG = 17 << 24;
    private static final int TYPE_TAG = 18 << 24;
    private static final int ENUM64 = 19 << 24;
    private static final int SIGNED_32 = 1 << 24 | 32;

    /** Every text with which Linux 6.18 refuses a blob, without the numbers that follow some of them. */
    static final List<String> TEXTS = List.of(
            "hdr_len not found", "btf_header not found", "Unsupported btf_header", "Invalid magic",
            "Unsupported version", "Unsupported flags", "No data", "Invalid section offset",
            "Unsupported section found", "Section overlap found", "Total section length too long",
            "String section is not at the end", "Invalid string section", "No type found", "meta_left:",
            "Invalid btf_info:", "Invalid kind:", "Invalid name_offset:", "vlen != 0",
            "Invalid btf_info kind_flag", "Invalid int_data:", "nr_bits exceeds 128",
            "nr_bits exceeds type_size", "Unsupported encoding", "Invalid type_id", "Invalid name",
            "type != 0", "Invalid type_size", "size != 0", "Invalid elem", "Invalid index",
            "Invalid array of int", "Array size overflows U32_MAX", "Invalid member name_offset:",
            "Invalid member bits_offset", "Member bits_offset exceeds its struct size", "Invalid member",
            "bits_offset exceeds U32_MAX", "nr_copy_bits exceeds 128", "Member exceeds struct_size",
            "Invalid member base type", "Invalid member offset", "Invalid member bitfield_size",
            "Member is not byte aligned", "Member is not properly aligned", "Unexpected size",
            "Invalid func linkage", "Invalid arg#", "Invalid return type", "Linkage not supported",
            "size == 0", "Invalid offset", "Invalid size", "Invalid offset+size", "Invalid btf_info size",
            "Not a VAR kind member", "Invalid value", "Invalid component_idx",
            "Exceeded max resolving depth:", "Loop detected", "Type tags don't precede modifiers",
            "Max chain length or cycle detected");

    /** The other texts that the kernel's sources hold, with the reason why no blob meets them. */
    static final Map<String, String> UNREACHABLE = Map.of(
            "Unaligned type_off", "types that do not start at 0 are a gap, unless the strings come first, and"
                    + " those must be last",
            "Invalid type", "a section's variable has been resolved, so its type has a size",
            "Invalid resolve state", "the kernel's check of its own work",
            "Unsupported resolve", "each kind that refers to others has a way to be resolved",
            "Unsupported check_member", "what has no such check has no size, or is no member's type",
            "Unsupported check_kflag_member", "likewise",
            "Layout section is too big", "sections have been found inside the blob before (Linux 7.0)");

    private final List<BtfFault> faults = new ArrayList<>();

    private BtfFaults() {
    }

    static List<BtfFault> all() {
        BtfFaults list = new BtfFaults();
        list.heads();
        list.scalars();
        list.references();
        list.composites();
        list.memberFits();
        list.functions();
        list.variables();
        list.tags();
        list.resolution();
        return list.faults;
    }

    private void heads() {
        head("no head", Errno.EINVAL, "hdr_len not found", blob -> Arrays.copyOf(blob, 7));
        head("empty", Errno.EINVAL, "hdr_len not found", blob -> new byte[0]);
        head("half a head", Errno.EINVAL, "btf_header not found", blob -> Arrays.copyOf(blob, 23));
        head("longer head", Errno.E2BIG, "Unsupported btf_header", blob -> {
            byte[] longer = new byte[blob.length + 4];
            System.arraycopy(blob, 0, longer, 0, 24);
            System.arraycopy(blob, 24, longer, 28, blob.length - 24);
            BtfRaw.putWord(longer, 4, 28, false);
            longer[26] = 1;
            return longer;
        });
        head("short head", Errno.EINVAL, "Unsupported section found", blob -> with(blob, 4, 20));
        head("wrong magic", Errno.EINVAL, "Invalid magic", blob -> with(blob, 0, 0x0001EB9E));
        head("big-endian", Errno.EINVAL, "btf_header not found", blob -> {
            BtfBuilder builder = new BtfBuilder(ByteOrder.BIG_ENDIAN);
            builder.integer("int", 4, BtfType.Int.SIGNED);
            return builder.build();
        });
        head("big-endian magic", Errno.EINVAL, "Invalid magic", blob -> with(blob, 0, 0x00019FEB));
        head("wrong version", Errno.ENOTSUPP, "Unsupported version", blob -> with(blob, 0, 0x0002EB9F));
        head("flags", Errno.ENOTSUPP, "Unsupported flags", blob -> with(blob, 0, 0x0101EB9F));
        head("head only", Errno.EINVAL, "No data", blob -> Arrays.copyOf(blob, 24));
        head("section outside", Errno.EINVAL, "Invalid section offset", blob -> with(blob, 16, blob.length));
        head("gap", Errno.EINVAL, "Unsupported section found", blob -> with(blob, 8, 4));
        head("overlap", Errno.EINVAL, "Section overlap found", blob -> with(blob, 16, 12));
        head("long section", Errno.EINVAL, "Total section length too long", blob -> with(blob, 20, 1000));
        head("trailing bytes", Errno.EINVAL, "Unsupported section found",
                blob -> Arrays.copyOf(blob, blob.length + 1));
        head("strings first", Errno.EINVAL, "String section is not at the end", blob -> {
            byte[] turned = blob.clone();
            int strings = BtfRaw.word(blob, 20, false);
            BtfRaw.putWord(turned, 8, strings, false);
            BtfRaw.putWord(turned, 16, 0, false);
            return turned;
        });
        head("no strings", Errno.EINVAL, "Invalid string section",
                blob -> with(Arrays.copyOf(blob, blob.length - BtfRaw.word(blob, 20, false)), 20, 0));
        head("strings without end", Errno.EINVAL, "Invalid string section", blob -> {
            byte[] bent = blob.clone();
            bent[bent.length - 1] = 'x';
            return bent;
        });
        head("strings without the empty one", Errno.EINVAL, "Invalid string section", blob -> {
            byte[] bent = blob.clone();
            bent[24 + BtfRaw.word(blob, 16, false)] = 'x';
            return bent;
        });
        fault("no types", Errno.EINVAL, "No type found", builder -> builder.string("x"));
        head("half a record", Errno.EINVAL, "[2] meta_left:4 meta_needed:12", blob -> {
            byte[] longer = new byte[blob.length + 4];
            int end = 24 + BtfRaw.word(blob, 12, false);
            System.arraycopy(blob, 0, longer, 0, end);
            System.arraycopy(blob, end, longer, end + 4, blob.length - end);
            BtfRaw.putWord(longer, 12, BtfRaw.word(blob, 12, false) + 4, false);
            BtfRaw.putWord(longer, 16, BtfRaw.word(blob, 16, false) + 4, false);
            return longer;
        });
        fault("info bits", "[1] Invalid btf_info:2010000", b -> b.raw(0, PTR | 0x10000, 0));
        fault("kind 0", "[1] Invalid kind:0", b -> b.raw(0, 0, 0));
        fault("kind 20", "[1] Invalid kind:20", b -> b.raw(0, 20 << 24, 0));
        fault("name offset", "[1] Invalid name_offset:99", b -> b.raw(99, PTR, 0));
    }

    private void scalars() {
        fault("int: vlen", "vlen != 0", b -> b.raw(0, INT | 1, 4, SIGNED_32));
        fault("int: cut", "meta_left:0 meta_needed:4", b -> b.raw(0, INT, 4));
        fault("int: flag", "Invalid btf_info kind_flag", b -> b.raw(0, FLAG | INT, 4, SIGNED_32));
        fault("int: data", "Invalid int_data:11000020", b -> b.raw(0, INT, 4, 0x11000020));
        fault("int: too many bits", "nr_bits exceeds 128", b -> b.raw(0, INT, 32, 129));
        fault("int: larger than its size", "nr_bits exceeds type_size", b -> b.raw(0, INT, 4, 33));
        fault("int: encoding", Errno.ENOTSUPP, "Unsupported encoding", b -> b.raw(0, INT, 4, 3 << 24 | 32));
        fault("float: vlen", "vlen != 0", b -> b.raw(0, FLOAT | 1, 4));
        fault("float: flag", "Invalid btf_info kind_flag", b -> b.raw(0, FLAG | FLOAT, 4));
        fault("float: size", "Invalid type_size", b -> b.raw(0, FLOAT, 5));
        for (int kind : new int[] {ENUM, ENUM64}) {
            int[] value = kind == ENUM ? new int[] {0, 0} : new int[] {0, 0, 0};
            String name = kind == ENUM ? "enum" : "enum64";
            fault(name + ": cut", "meta_left:0 meta_needed:" + 4 * value.length, b -> b.raw(0, kind | 1, 4));
            fault(name + ": size", "Unexpected size", b -> b.raw(0, kind, 3));
            fault(name + ": size 0", "Unexpected size", b -> b.raw(0, kind, 0));
            fault(name + ": name", "Invalid name", b -> b.raw(b.string("9"), kind, 4));
            fault(name + ": value without name", "Invalid name", b -> b.raw(0, kind | 1, 4, value));
            fault(name + ": value's name", "Invalid name_offset:99", b -> {
                int[] bent = value.clone();
                bent[0] = 99;
                b.raw(0, kind | 1, 4, bent);
            });
        }
    }

    private void references() {
        fault("ptr: vlen", "vlen != 0", b -> b.raw(0, PTR | 1, 0));
        fault("ptr: flag", "Invalid btf_info kind_flag", b -> b.raw(0, FLAG | PTR, 0));
        fault("ptr: id", "Invalid type_id", b -> b.raw(0, PTR, 0x100000));
        for (int kind : new int[] {TYPEDEF, VOLATILE, CONST, RESTRICT, TYPE_TAG}) {
            String name = BtfKind.of(kind >>> 24) + ": ";
            boolean named = kind == TYPEDEF || kind == TYPE_TAG;
            fault(name + "vlen", "vlen != 0", b -> b.raw(named ? b.string("n") : 0, kind | 1, 0));
            fault(name + "id", "Invalid type_id", b -> b.raw(named ? b.string("n") : 0, kind, 0x100000));
            if (kind != TYPE_TAG) {
                fault(name + "flag", "Invalid btf_info kind_flag",
                        b -> b.raw(named ? b.string("n") : 0, FLAG | kind, 0));
            }
            if (!named) {
                fault(name + "name", "Invalid name", b -> b.raw(b.string("c"), kind, 0));
            }
        }
        fault("ptr: name", "Invalid name", b -> b.raw(b.string("p"), PTR, 0));
        fault("typedef: no name", "Invalid name", b -> b.raw(0, TYPEDEF, 0));
        fault("typedef: name", "Invalid name", b -> b.raw(b.string("a-b"), TYPEDEF, 0));
        fault("typedef: long name", "Invalid name", b -> b.raw(b.string("x".repeat(513)), TYPEDEF, 0));
        fault("type tag: no name", "Invalid name", b -> b.raw(0, TYPE_TAG, 0));
        fault("fwd: vlen", "vlen != 0", b -> b.raw(b.string("f"), FWD | 1, 0));
        fault("fwd: type", "type != 0", b -> b.raw(b.string("f"), FWD, 1));
        fault("fwd: name", "Invalid name", b -> b.raw(0, FWD, 0));
        fault("array: cut", "meta_left:8 meta_needed:12", b -> b.raw(0, ARRAY, 0, 1, 1));
        fault("array: name", "Invalid name", b -> b.raw(b.string("a"), ARRAY, 0, 1, 1, 1));
        fault("array: vlen", "vlen != 0", b -> b.raw(0, ARRAY | 1, 0, 1, 1, 1));
        fault("array: flag", "Invalid btf_info kind_flag", b -> b.raw(0, FLAG | ARRAY, 0, 1, 1, 1));
        fault("array: size", "size != 0", b -> b.raw(0, ARRAY, 4, 1, 1, 1));
        fault("array: void", "Invalid elem", b -> b.raw(0, ARRAY, 0, 0, 1, 1));
        fault("array: void index", "Invalid index", b -> b.raw(0, ARRAY, 0, 1, 0, 1));
        typed("array: struct index", "Invalid index", b -> b.raw(0, ARRAY, 0, 1, b.struct("s", 0) , 1));
        typed("array: pointer index", "Invalid index", b -> b.raw(0, ARRAY, 0, 1, b.pointer(0), 1));
        typed("array: of functions", "Invalid elem", b -> b.raw(0, ARRAY, 0, 3, 1, 1 | 0 * b.function("f", 1,
                1)));
        typed("array: of const void", "Invalid elem", b -> b.raw(0, ARRAY, 0, b.raw(0, CONST, 0), 1, 1));
        typed("array: of bit fields", "Invalid array of int",
                b -> b.raw(0, ARRAY, 0, b.raw(b.string("bits"), INT, 4, 3), 1, 1));
        typed("array: huge", "Array size overflows U32_MAX", b -> b.raw(0, ARRAY, 0, 1, 1, 0x40000000));
    }

    private void composites() {
        fault("struct: cut", "meta_left:0 meta_needed:12", b -> b.raw(0, STRUCT | 1, 4));
        fault("struct: name", "Invalid name", b -> b.raw(b.string("9"), STRUCT, 4));
        typed("struct: member name offset", "Invalid member name_offset:99",
                b -> b.raw(0, STRUCT | 1, 4, 99, 1, 0));
        typed("struct: member name", "Invalid name", b -> b.raw(0, STRUCT | 1, 4, b.string("9"), 1, 0));
        typed("struct: void member", "Invalid type_id", b -> b.raw(0, STRUCT | 1, 4, 0, 0, 0));
        typed("union: member offset", "Invalid member bits_offset", b -> b.raw(0, UNION | 1, 8, 0, 1, 32));
        typed("struct: descending", "Invalid member bits_offset",
                b -> b.raw(0, STRUCT | 2, 8, 0, 1, 32, 0, 1, 0));
        typed("struct: member outside", "Member bits_offset exceeds its struct size",
                b -> b.raw(0, STRUCT | 1, 4, 0, 1, 33));
        typed("struct: function member", "Invalid member",
                b -> b.raw(0, STRUCT | 1, 4, 0, b.function("f", 1, 1), 0));
        typed("struct: variable as member", "Invalid member",
                b -> b.raw(0, STRUCT | 1, 4, 0, b.raw(b.string("v"), VAR, 1, 0), 0));
        typed("struct: section as member", "Invalid member",
                b -> b.raw(0, STRUCT | 1, 4, 0, b.raw(b.string(".d"), DATASEC, 4), 0));
        typed("struct: prototype as member", "Invalid member",
                b -> b.raw(0, STRUCT | 1, 4, 0, b.raw(0, PROTO, 0), 0));
        typed("struct: tag as member", "Invalid member",
                b -> b.raw(0, STRUCT | 1, 4, 0, b.raw(b.string("t"), DECL_TAG, b.struct("s", 0), -1), 0));
        typed("struct: announced member", "Invalid member",
                b -> b.raw(0, STRUCT | 1, 4, 0, b.raw(b.string("f"), FWD, 0), 0));
        typed("struct: const void member", "Invalid member",
                b -> b.raw(0, STRUCT | 1, 4, 0, b.raw(0, CONST, 0), 0));
    }

    private void memberFits() {
        typed("int member: outside", "Member exceeds struct_size", b -> b.raw(0, STRUCT | 1, 4, 0, 1, 8));
        typed("int member: far", "bits_offset exceeds U32_MAX",
                b -> b.raw(0, STRUCT | 1, -1, 0, b.raw(0, INT, 4, 8 << 16 | 8), -8));
        typed("int member: too many bits", "nr_copy_bits exceeds 128",
                b -> b.raw(0, STRUCT | 1, 20, 0, b.raw(0, INT, 16, 128), 1));
        typed("bit field: irregular int", "Invalid member base type",
                b -> b.raw(0, FLAG | STRUCT | 1, 8, 0, b.raw(0, INT, 4, 3), 0));
        typed("bit field: int off a byte", "Invalid member offset", b -> b.raw(0, FLAG | STRUCT | 1, 8, 0, 1,
                3));
        typed("bit field: wide", "Invalid member bitfield_size",
                b -> b.raw(0, FLAG | STRUCT | 1, 8, 0, 1, 33 << 24));
        typed("bit field: too many bits", "nr_copy_bits exceeds 128",
                b -> b.raw(0, FLAG | STRUCT | 1, 32, 0, b.raw(0, INT, 16, 128), 128 << 24 | 1));
        typed("bit field: outside", "Member exceeds struct_size",
                b -> b.raw(0, FLAG | STRUCT | 1, 4, 0, 1, 4 << 24 | 30));
        typed("enum member: off a byte", "Member is not byte aligned",
                b -> b.raw(0, STRUCT | 1, 8, 0, b.raw(0, ENUM, 4), 1));
        typed("enum member: outside", "Member exceeds struct_size",
                b -> b.raw(0, STRUCT | 1, 2, 0, b.raw(0, ENUM, 4), 0));
        typed("enum bit field: off a byte", "Member is not byte aligned",
                b -> b.raw(0, FLAG | STRUCT | 1, 8, 0, b.raw(0, ENUM, 4), 1));
        typed("enum bit field: wide", "Invalid member bitfield_size",
                b -> b.raw(0, FLAG | STRUCT | 1, 8, 0, b.raw(0, ENUM, 4), 33 << 24));
        typed("enum bit field: outside", "Member exceeds struct_size",
                b -> b.raw(0, FLAG | STRUCT | 1, 2, 0, b.raw(0, ENUM, 4), 0));
        typed("enum bit field: small enums count as 32 bits", "Member exceeds struct_size",
                b -> b.raw(0, FLAG | STRUCT | 1, 1, 0, b.raw(0, ENUM, 1), 0));
        for (int kind : new int[] {PTR, ARRAY, STRUCT, UNION, FLOAT}) {
            String name = BtfKind.of(kind >>> 24) + " member: ";
            typed(name + "bit field", "Invalid member bitfield_size",
                    b -> b.raw(0, FLAG | STRUCT | 1, 8, 0, wide(b, kind), 1 << 24));
            typed(name + "off a byte", kind == FLOAT
                    ? "Member is not properly aligned" : "Member is not byte aligned",
                    b -> b.raw(0, STRUCT | 1, 16, 0, wide(b, kind), 1));
            typed(name + "outside", "Member exceeds struct_size", b -> b.raw(0, STRUCT | 1, 4, 0, wide(b,
                    kind), 0));
        }
    }

    /** A type of eight bytes. */
    private static int wide(BtfBuilder builder, int kind) {
        return switch (kind) {
            case PTR -> builder.pointer(0);
            case ARRAY -> builder.add(new BtfType.Array(1, 1, 2));
            case FLOAT -> builder.add(new BtfType.Floating("double", 8));
            default -> builder.raw(builder.string("wide"), kind, 8);
        };
    }

    private void functions() {
        fault("func: no name", "Invalid name", b -> b.raw(0, FUNC, 1));
        fault("func: linkage", "Invalid func linkage", b -> b.raw(b.string("f"), FUNC | 2, 1));
        fault("func: flag", "Invalid btf_info kind_flag", b -> b.raw(b.string("f"), FLAG | FUNC, 1));
        typed("func: no proto", "Invalid type_id", b -> b.raw(b.string("f"), FUNC, 1));
        typed("func: unnamed argument", "Invalid arg#1", b -> b.raw(b.string("f"), FUNC, b.raw(0, PROTO | 1,
                0, 0, 1)));
        fault("proto: cut", "meta_left:0 meta_needed:8", b -> b.raw(0, PROTO | 1, 0));
        fault("proto: name", "Invalid name", b -> b.raw(b.string("p"), PROTO, 0));
        fault("proto: flag", "Invalid btf_info kind_flag", b -> b.raw(0, FLAG | PROTO, 0));
        typed("proto: returns nothing known", "Invalid return type", b -> b.raw(0, PROTO, 9));
        typed("proto: returns a variable", "Invalid return type",
                b -> b.raw(0, PROTO, b.raw(b.string("v"), VAR, 1, 0)));
        typed("proto: returns an announcement", "Invalid return type",
                b -> b.raw(0, PROTO, b.raw(b.string("f"), FWD, 0)));
        typed("proto: void argument", "Invalid arg#1", b -> b.raw(0, PROTO | 2, 0, 0, 0, b.string("x"), 1));
        typed("proto: named rest", "Invalid arg#1", b -> b.raw(0, PROTO | 1, 0, b.string("x"), 0));
        typed("proto: argument's name", "Invalid arg#1", b -> b.raw(0, PROTO | 1, 0, b.string("9"), 1));
        typed("proto: argument's name offset", "Invalid arg#1", b -> b.raw(0, PROTO | 1, 0, 99, 1));
        typed("proto: unknown argument", "Invalid arg#1", b -> b.raw(0, PROTO | 1, 0, 0, 9));
        typed("proto: variable as argument", "Invalid arg#2",
                b -> b.raw(0, PROTO | 2, 0, 0, 1, 0, b.raw(b.string("v"), VAR, 1, 0)));
        typed("proto: argument without size", "Invalid arg#1", b -> b.raw(0, PROTO | 1, 0, 0, b.raw(0, CONST,
                0)));
    }

    private void variables() {
        fault("var: cut", "meta_left:0 meta_needed:4", b -> b.raw(b.string("v"), VAR, 1));
        fault("var: vlen", "vlen != 0", b -> b.raw(b.string("v"), VAR | 1, 1, 0));
        fault("var: flag", "Invalid btf_info kind_flag", b -> b.raw(b.string("v"), FLAG | VAR, 1, 0));
        fault("var: name", "Invalid name", b -> b.raw(0, VAR, 1, 0));
        fault("var: void", "Invalid type_id", b -> b.raw(b.string("v"), VAR, 0, 0));
        fault("var: linkage", "Linkage not supported", b -> b.raw(b.string("v"), VAR, 1, 2));
        typed("var: of unknown type", "Invalid type_id", b -> b.raw(b.string("v"), VAR, 9, 0));
        typed("var: of const void", "Invalid type_id", b -> b.raw(b.string("v"), VAR, b.raw(0, CONST, 0), 0));
        fault("datasec: cut", "meta_left:0 meta_needed:12", b -> b.raw(b.string(".d"), DATASEC | 1, 4));
        fault("datasec: size", "size == 0", b -> b.raw(b.string(".d"), DATASEC, 0));
        fault("datasec: flag", "Invalid btf_info kind_flag", b -> b.raw(b.string(".d"), FLAG | DATASEC, 4));
        fault("datasec: no name", "Invalid name", b -> b.raw(0, DATASEC, 4));
        fault("datasec: name", "Invalid name", b -> b.raw(b.string("a\u0001"), DATASEC, 4));
        fault("datasec: void", "Invalid type_id", b -> b.raw(b.string(".d"), DATASEC | 1, 4, 0, 0, 4));
        fault("datasec: offset", "Invalid offset", b -> b.raw(b.string(".d"), DATASEC | 1, 4, 1, 4, 4));
        fault("datasec: overlap", "Invalid offset", b -> b.raw(b.string(".d"), DATASEC | 2, 8, 1, 0, 4, 1, 3,
                4));
        fault("datasec: entry size 0", "Invalid size", b -> b.raw(b.string(".d"), DATASEC | 1, 4, 1, 0, 0));
        fault("datasec: entry too large", "Invalid size", b -> b.raw(b.string(".d"), DATASEC | 1, 4, 1, 0,
                5));
        fault("datasec: entry outside", "Invalid offset+size",
                b -> b.raw(b.string(".d"), DATASEC | 1, 4, 1, 2, 4));
        typed("datasec: more than it holds, by wrapping", "Invalid btf_info size", b -> {
            int variable = b.raw(b.string("v"), VAR, 1, 0);
            b.raw(b.string(".d"), DATASEC | 2, -1, variable, 0, 0xF0000000, variable, 0xF0000000, 0x20000000);
        });
        typed("datasec: no variable", "Not a VAR kind member",
                b -> b.raw(b.string(".d"), DATASEC | 1, 4, 1, 0, 4));
        typed("datasec: entry smaller than its variable", "Invalid size",
                b -> b.raw(b.string(".d"), DATASEC | 1, 4, b.raw(b.string("v"), VAR, 1, 0), 0, 2));
    }

    private void tags() {
        fault("decl tag: cut", "meta_left:0 meta_needed:4", b -> b.raw(b.string("t"), DECL_TAG, 1));
        fault("decl tag: empty", "Invalid value", b -> b.raw(0, DECL_TAG, 1, -1));
        fault("decl tag: vlen", "vlen != 0", b -> b.raw(b.string("t"), DECL_TAG | 1, 1, -1));
        fault("decl tag: component", "Invalid component_idx", b -> b.raw(b.string("t"), DECL_TAG, 1, -2));
        typed("decl tag: on an int", "Invalid type_id", b -> b.raw(b.string("t"), DECL_TAG, 1, -1));
        typed("decl tag: no such member", "Invalid component_idx",
                b -> b.raw(b.string("t"), DECL_TAG, b.struct("s", 0), 0));
        typed("decl tag: no such argument", "Invalid component_idx",
                b -> b.raw(b.string("t"), DECL_TAG, b.function("f", 1, 1), 0));
        typed("decl tag: member of a variable", "Invalid component_idx",
                b -> b.raw(b.string("t"), DECL_TAG, b.raw(b.string("v"), VAR, 1, 0), 0));
        typed("type tag behind const", "Type tags don't precede modifiers",
                b -> b.raw(0, CONST, b.raw(b.string("t"), TYPE_TAG, 1)));
    }

    private void resolution() {
        fault("typedef of itself", Errno.EEXIST, "Loop detected", b -> b.typedef("t", 1));
        fault("struct in itself", Errno.EEXIST, "Loop detected",
                b -> b.struct("s", 8, new BtfType.Member("m", 1, 0, 0)));
        fault("pointers in a ring", Errno.EEXIST, "Loop detected", b -> {
            b.pointer(2);
            b.pointer(1);
        });
        typed("const of a variable", "Invalid type_id", b -> b.raw(0, CONST, b.raw(b.string("v"), VAR, 1,
                0)));
        typed("pointer to a section", "Invalid type_id",
                b -> b.pointer(b.raw(b.string(".d"), DATASEC, 4)));
        typed("typedef of a tag", "Invalid type_id",
                b -> b.typedef("t", b.raw(b.string("x"), DECL_TAG, b.struct("s", 0), -1)));
        fault("33 pointers", Errno.E2BIG, "Exceeded max resolving depth:32", b -> {
            for (int i = 1; i <= 33; i++) {
                b.pointer(i < 33 ? i + 1 : 0);
            }
        });
        // The union has the chain resolved from its end, so that no resolver ever follows all of it.
        fault("34 modifiers", Errno.ELOOP, "Max chain length or cycle detected", b -> {
            BtfType.Member[] members = new BtfType.Member[34];
            for (int i = 0; i < 34; i++) {
                members[i] = new BtfType.Member("", 35 - i, 0, 0);
            }
            b.add(new BtfType.Composite(BtfKind.UNION, "u", 4, List.of(members), false));
            for (int id = 2; id <= 35; id++) {
                b.raw(0, CONST, id + 1);
            }
            b.integer("int", 4, 0);
        });
    }

    private void head(String name, Errno errno, String text, UnaryOperator<byte[]> bend) {
        BtfBuilder builder = new BtfBuilder();
        builder.integer("int", 4, BtfType.Int.SIGNED);
        faults.add(new BtfFault(name, errno, text, bend.apply(builder.build())));
    }

    private void fault(String name, String text, Consumer<BtfBuilder> maker) {
        fault(name, Errno.EINVAL, text, maker);
    }

    private void fault(String name, Errno errno, String text, Consumer<BtfBuilder> maker) {
        BtfBuilder builder = new BtfBuilder();
        maker.accept(builder);
        faults.add(new BtfFault(name, errno, text, builder.build()));
    }

    /** A fault in a type that comes after an integer, type 1. */
    private void typed(String name, String text, Consumer<BtfBuilder> maker) {
        fault(name, text, builder -> {
            builder.integer("int", 4, BtfType.Int.SIGNED);
            maker.accept(builder);
        });
    }

    private static byte[] with(byte[] blob, int at, int word) {
        byte[] bent = blob.clone();
        BtfRaw.putWord(bent, at, word, false);
        return bent;
    }
}
