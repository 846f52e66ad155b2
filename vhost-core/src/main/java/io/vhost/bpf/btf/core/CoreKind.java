package io.vhost.bpf.btf.core;

/** What a relocation asks: {@code enum bpf_core_relo_kind}, by its numbers. */
public enum CoreKind {
    /** Where a field is, in bytes. */
    FIELD_BYTE_OFFSET,
    /** Bytes of a field. */
    FIELD_BYTE_SIZE,
    /** Whether a field is there. */
    FIELD_EXISTS,
    /** Whether a field is signed. */
    FIELD_SIGNED,
    /** By how much a word with a field is shifted to the left, to lose what is above. */
    FIELD_LSHIFT_U64,
    /** By how much it is shifted to the right afterwards. */
    FIELD_RSHIFT_U64,
    /** A type's id where it was compiled. */
    TYPE_ID_LOCAL,
    /** A type's id in the other BTF. */
    TYPE_ID_TARGET,
    /** Whether a type is there. */
    TYPE_EXISTS,
    /** Bytes of a type. */
    TYPE_SIZE,
    /** Whether an enum has a value of that name. */
    ENUMVAL_EXISTS,
    /** That value. */
    ENUMVAL_VALUE,
    /** Whether a type is there that is the same. */
    TYPE_MATCHES;

    private static final CoreKind[] ALL = values();

    /** The kind with a number, or null. */
    public static CoreKind of(int number) {
        return number >= 0 && number < ALL.length ? ALL[number] : null;
    }

    boolean isField() {
        return compareTo(TYPE_ID_LOCAL) < 0;
    }

    boolean isEnumerator() {
        return this == ENUMVAL_EXISTS || this == ENUMVAL_VALUE;
    }
}
