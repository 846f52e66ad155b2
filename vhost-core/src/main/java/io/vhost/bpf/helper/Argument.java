package io.vhost.bpf.helper;

/** What a helper takes, as the kernel's {@code enum bpf_arg_type}. */
public enum Argument {
    /** Any number. */
    ANYTHING,
    /** The program's context. */
    CONTEXT,
    /** A map, by its address. */
    MAP,
    /** Memory with a key of the map, filled in. */
    MAP_KEY,
    /** Memory with a value of the map, filled in. */
    MAP_VALUE,
    /** Memory for a value of the map, which the helper fills in. */
    MAP_VALUE_OUT,
    /** Memory, filled in, whose size is the next argument. */
    MEMORY,
    /** The same, or NULL if the size is zero. */
    MEMORY_OR_NULL,
    /** Memory that the helper fills in, whose size is the next argument. */
    MEMORY_OUT,
    /** The size of the memory before it, above zero. */
    SIZE,
    /** The size of the memory before it. */
    SIZE_OR_ZERO,
    /** A constant: how many bytes the result has. */
    CONSTANT_SIZE,
    /** A record of a ring buffer. */
    RECORD,
    /** A lock in a value of a map. */
    SPIN_LOCK,
    /** A function of the program. */
    FUNCTION,
    /** What that function gets; any pointer to the stack, or NULL. */
    STACK_OR_NULL
}
