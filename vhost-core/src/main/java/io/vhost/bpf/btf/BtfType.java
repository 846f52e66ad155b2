package io.vhost.bpf.btf;

import java.util.List;

/**
 * One type, decoded. Other types are named by id; id 0 is void.
 *
 * <p>Thread: immutable. Sizes are bytes, offsets are bits unless said otherwise. An absent name is the empty
 * string.
 */
public sealed interface BtfType {
    /** The record's kind. */
    BtfKind kind();

    /** The type's own name, or the empty string. */
    String name();

    /** Id 0. */
    record Nothing() implements BtfType {
        @Override
        public BtfKind kind() {
            return BtfKind.UNKNOWN;
        }

        @Override
        public String name() {
            return "";
        }
    }

    /**
     * A kind that this library does not know, skipped with the help of the blob's layout section.
     *
     * @param kindId the kind's number
     * @param name   its name
     */
    record Unknown(int kindId, String name) implements BtfType {
        @Override
        public BtfKind kind() {
            return BtfKind.UNKNOWN;
        }
    }

    /**
     * An integer.
     *
     * @param name     its name
     * @param size     bytes that it takes in memory
     * @param encoding 0 or one of {@link #SIGNED}, {@link #CHAR}, {@link #BOOL}
     * @param offset   first bit used, for old-style bit fields
     * @param bits     number of bits used
     */
    record Int(String name, long size, int encoding, int offset, int bits) implements BtfType {
        /** Two's complement. */
        public static final int SIGNED = 1;
        /** A character. */
        public static final int CHAR = 2;
        /** A truth value. */
        public static final int BOOL = 4;

        @Override
        public BtfKind kind() {
            return BtfKind.INT;
        }
    }

    /**
     * A floating-point number.
     *
     * @param name its name
     * @param size 2, 4, 8, 12 or 16
     */
    record Floating(String name, long size) implements BtfType {
        @Override
        public BtfKind kind() {
            return BtfKind.FLOAT;
        }
    }

    /**
     * A pointer.
     *
     * @param type what it points to
     */
    record Pointer(int type) implements BtfType {
        @Override
        public BtfKind kind() {
            return BtfKind.PTR;
        }

        @Override
        public String name() {
            return "";
        }
    }

    /**
     * A typedef, qualifier or type tag: a type whose size is that of the type it refers to.
     *
     * @param kind      one for which {@link BtfKind#isModifier} holds
     * @param name      the typedef's or tag's name
     * @param type      the type referred to
     * @param attribute for a tag: any attribute rather than {@code btf_type_tag} (kind_flag)
     */
    record Modifier(BtfKind kind, String name, int type, boolean attribute) implements BtfType {
    }

    /**
     * An array.
     *
     * @param element the type of its elements
     * @param index   the type of its indices, an integer
     * @param count   number of elements
     */
    record Array(int element, int index, long count) implements BtfType {
        @Override
        public BtfKind kind() {
            return BtfKind.ARRAY;
        }

        @Override
        public String name() {
            return "";
        }
    }

    /**
     * A struct or union.
     *
     * @param kind      {@link BtfKind#STRUCT} or {@link BtfKind#UNION}
     * @param name      its name
     * @param size      bytes
     * @param members   in order
     * @param bitFields whether members carry a bit-field size (kind_flag)
     */
    record Composite(BtfKind kind, String name, long size, List<Member> members, boolean bitFields)
            implements BtfType {
    }

    /**
     * One member of a struct or union.
     *
     * @param name     its name
     * @param type     its type
     * @param offset   bits from the start of the struct
     * @param bitField bits of a bit field, 0 for any other member
     */
    record Member(String name, int type, long offset, int bitField) {
    }

    /**
     * An enum with 32-bit or 64-bit values.
     *
     * @param kind   {@link BtfKind#ENUM} or {@link BtfKind#ENUM64}
     * @param name   its name
     * @param size   bytes: 1, 2, 4 or 8
     * @param signed whether the values are signed (kind_flag)
     * @param values in order
     */
    record Enumeration(BtfKind kind, String name, long size, boolean signed, List<Value> values)
            implements BtfType {
    }

    /**
     * One value of an enum.
     *
     * @param name  its name
     * @param value sign-extended or zero-extended from 32 bits, as the enum is signed or not
     */
    record Value(String name, long value) {
    }

    /**
     * A struct or union that is only announced.
     *
     * @param name  its name
     * @param union whether it is a union
     */
    record Forward(String name, boolean union) implements BtfType {
        @Override
        public BtfKind kind() {
            return BtfKind.FWD;
        }
    }

    /**
     * A function.
     *
     * @param name      its name
     * @param linkage   {@link #STATIC}, {@link #GLOBAL} or {@link #EXTERN}
     * @param prototype its prototype
     */
    record Function(String name, int linkage, int prototype) implements BtfType {
        /** Seen in its own file only. */
        public static final int STATIC = 0;
        /** Seen everywhere. */
        public static final int GLOBAL = 1;
        /** Defined elsewhere; legal in object files only. */
        public static final int EXTERN = 2;

        @Override
        public BtfKind kind() {
            return BtfKind.FUNC;
        }
    }

    /**
     * What a function takes and returns.
     *
     * @param returned   the type returned
     * @param parameters in order; a last one of type 0 without name stands for further arguments
     */
    record Prototype(int returned, List<Parameter> parameters) implements BtfType {
        @Override
        public BtfKind kind() {
            return BtfKind.FUNC_PROTO;
        }

        @Override
        public String name() {
            return "";
        }
    }

    /**
     * One parameter.
     *
     * @param name its name
     * @param type its type
     */
    record Parameter(String name, int type) {
    }

    /**
     * A variable.
     *
     * @param name    its name
     * @param type    its type
     * @param linkage 0 static, 1 global, 2 extern
     */
    record Variable(String name, int type, int linkage) implements BtfType {
        @Override
        public BtfKind kind() {
            return BtfKind.VAR;
        }
    }

    /**
     * A section of variables.
     *
     * @param name      the section's name
     * @param size      bytes
     * @param variables sorted by offset
     */
    record Section(String name, long size, List<Placed> variables) implements BtfType {
        @Override
        public BtfKind kind() {
            return BtfKind.DATASEC;
        }
    }

    /**
     * A variable's place in its section.
     *
     * @param variable the variable's id
     * @param offset   bytes from the section's start
     * @param size     bytes
     */
    record Placed(int variable, long offset, long size) {
    }

    /**
     * A tag on a declaration.
     *
     * @param name      the tag's text
     * @param type      the struct, union, function, variable or typedef that is tagged
     * @param component the tagged member or parameter, or {@link #WHOLE}
     * @param attribute any attribute rather than {@code btf_decl_tag} (kind_flag)
     */
    record DeclarationTag(String name, int type, int component, boolean attribute) implements BtfType {
        /** The tag is on the type itself, on none of its members. */
        public static final int WHOLE = -1;

        @Override
        public BtfKind kind() {
            return BtfKind.DECL_TAG;
        }
    }
}
