package io.vhost.bpf.btf;

/**
 * The size of a type in memory.
 *
 * <p>Thread: stateless.
 */
public final class TypeSize {
    private static final int MAX_DEPTH = 32;
    private static final long MAX_SIZE = 0xFFFFFFFFL;
    private static final int POINTER = 8;

    private TypeSize() {
    }

    /** Bytes of type {@code id}, or -1 if it has no size, is nested too deep or does not fit 32 bits. */
    public static long of(Btf btf, int id) {
        long elements = 1;
        int at = id;
        for (int depth = 0; depth < MAX_DEPTH; depth++) {
            long size;
            switch (btf.type(at)) {
                case BtfType.Int i -> size = i.size();
                case BtfType.Floating f -> size = f.size();
                case BtfType.Composite c -> size = c.size();
                case BtfType.Enumeration e -> size = e.size();
                case BtfType.Pointer p -> size = POINTER;
                case BtfType.Modifier m -> {
                    at = m.type();
                    continue;
                }
                case BtfType.Array a -> {
                    if (elements != 0 && a.count() > MAX_SIZE / elements) {
                        return -1;
                    }
                    elements *= a.count();
                    at = a.element();
                    continue;
                }
                default -> {
                    return -1;
                }
            }
            return elements != 0 && size > MAX_SIZE / elements ? -1 : elements * size;
        }
        return -1;
    }
}
