package io.vhost.bpf.helper;

/** What a helper leaves in register 0, as the kernel's {@code enum bpf_return_type}. */
public enum Returns {
    /** A number. */
    NUMBER,
    /** Nothing that may be used. */
    NOTHING,
    /** The address of a value of the map, or NULL. */
    MAP_VALUE_OR_NULL,
    /** The address of a record, or NULL. */
    RECORD_OR_NULL
}
