package io.vhost.bpf.btf.core;

/**
 * The answer to a relocation.
 *
 * @param found    whether there is an answer; else an instruction that needs it must not be reached
 * @param value    the answer
 * @param size     bytes of the field, if a load or store of it may have to change its size; else 0
 * @param signed   whether such a load would have to extend a sign
 * @param original what the compiler has put in, which tells whether the instruction is the right one
 */
public record CoreValue(boolean found, long value, int size, boolean signed, CoreNumber original) {
    /**
     * The same of the program's own types.
     *
     * @param value what it is there
     * @param size  bytes of the field there, or 0
     */
    public record CoreNumber(long value, int size) {
    }
}
