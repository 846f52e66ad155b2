package io.vhost.bpf.btf;

/**
 * The kinds of BTF record (Linux: Documentation/bpf/btf.rst, section 2.2), in id order.
 *
 * <p>Thread: immutable. The constant's name is the word that the kernel's logs use.
 */
public enum BtfKind {
    /** Id 0: never a valid record. */
    UNKNOWN(0),
    /** An integer: bits, offset, signedness. */
    INT(1),
    /** A pointer. */
    PTR(2),
    /** An array of a known number of elements. */
    ARRAY(3),
    /** A struct. */
    STRUCT(4),
    /** A union. */
    UNION(5),
    /** An enum with 32-bit values. */
    ENUM(6),
    /** A struct or union that is only announced. */
    FWD(7),
    /** A typedef. */
    TYPEDEF(8),
    /** {@code volatile}. */
    VOLATILE(9),
    /** {@code const}. */
    CONST(10),
    /** {@code restrict}. */
    RESTRICT(11),
    /** A function's name, linkage and prototype. */
    FUNC(12),
    /** A function's prototype. */
    FUNC_PROTO(13),
    /** A global or static variable. */
    VAR(14),
    /** A section of variables, such as {@code .data}. */
    DATASEC(15),
    /** A floating-point number. */
    FLOAT(16),
    /** A tag on a declaration: {@code btf_decl_tag}. */
    DECL_TAG(17),
    /** A tag on a type: {@code btf_type_tag}. */
    TYPE_TAG(18),
    /** An enum with 64-bit values. */
    ENUM64(19);

    private static final BtfKind[] BY_ID = values();

    /** The highest id that this library knows. */
    public static final int MAX_ID = BY_ID.length - 1;

    private final int id;

    BtfKind(int id) {
        this.id = id;
    }

    /** The id in a record's info word, 0 to {@link #MAX_ID}. */
    public int id() {
        return id;
    }

    /** The kind with this id; {@link #UNKNOWN} for an id that this library does not know. */
    public static BtfKind of(int id) {
        return id >= 0 && id <= MAX_ID ? BY_ID[id] : UNKNOWN;
    }

    /**
     * Whether the kind's size can only be found by following its reference: typedef, qualifier or type tag.
     */
    public boolean isModifier() {
        return switch (this) {
            case TYPEDEF, VOLATILE, CONST, RESTRICT, TYPE_TAG -> true;
            default -> false;
        };
    }

    /** Whether the kind is a struct or a union. */
    public boolean isComposite() {
        return this == STRUCT || this == UNION;
    }

    /** Whether the kind is one of the two enums. */
    public boolean isEnum() {
        return this == ENUM || this == ENUM64;
    }

    /** Whether the record's third word is a size in bytes rather than a type id. */
    public boolean hasSize() {
        return switch (this) {
            case INT, STRUCT, UNION, ENUM, DATASEC, FLOAT, ENUM64 -> true;
            default -> false;
        };
    }

    /** Bytes that follow the 12-byte record when its vlen is {@code vlen}. */
    public int trailingBytes(int vlen) {
        return switch (this) {
            case INT, VAR, DECL_TAG -> 4;
            case ARRAY -> 12;
            case STRUCT, UNION, DATASEC, ENUM64 -> 12 * vlen;
            case ENUM, FUNC_PROTO -> 8 * vlen;
            default -> 0;
        };
    }
}
