package io.vhost.bpf.view;

import io.vhost.bpf.btf.Btf;
import java.lang.foreign.MemorySegment;

/**
 * A key or value, or a part of one, with its type. Parts are views: what is set in one is set in the whole.
 *
 * <p>Paths are written as in C: {@code flow.packets}, {@code addresses[3]}; parts of members without a name
 * are found as if they were the struct's own. Numbers are the low bytes of a {@code long}, sign-extended if
 * their type is signed. Thread: one at a time.
 */
public final class TypedValue {
    private final Part part;

    /**
     * A value in some bytes.
     *
     * @param type its type, or 0 if it is not known
     */
    TypedValue(Btf btf, int type, MemorySegment bytes) {
        this(new Part(btf, type, bytes));
    }

    private TypedValue(Part part) {
        this.part = part;
    }

    Part part() {
        return part;
    }

    /** Its bytes, in the machine's order; not a copy. */
    public MemorySegment bytes() {
        return part.bytes();
    }

    /**
     * A part.
     *
     * @throws IllegalArgumentException if there is none of that name
     */
    public TypedValue at(String path) {
        return new TypedValue(part.at(path));
    }

    /**
     * The number that this is.
     *
     * @throws IllegalArgumentException if it is none: a struct, or an array
     */
    public long number() {
        return part.number();
    }

    /** The number at a path. */
    public long number(String path) {
        return part.at(path).number();
    }

    /**
     * Sets the number that this is; higher bits than it has are left out.
     *
     * @throws IllegalArgumentException if it is none: a struct, or an array
     */
    public TypedValue set(long number) {
        part.set(number);
        return this;
    }

    /** Sets the number at a path; this. */
    public TypedValue set(String path, long number) {
        part.at(path).set(number);
        return this;
    }

    /** Whether it is zero throughout. */
    boolean isZero() {
        return part.isZero();
    }

    /** As in C: {@code {packets = 3, address = [10, 0, 0, 1]}}; bytes in hex if the type is not known. */
    @Override
    public String toString() {
        return new ValueText().of(part);
    }
}
