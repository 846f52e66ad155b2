package io.vhost.bpf.btf.check;

import io.vhost.bpf.btf.BtfKind;
import io.vhost.bpf.btf.raw.BtfRaw;

/**
 * What resolving has found out so far: for each type whether it is done, which type it comes down to and, for
 * an array, its size in bytes.
 */
final class Resolution {
    private static final byte VISITED = 1;
    private static final byte RESOLVED = 2;
    private static final int POINTER_SIZE = 8;

    private final BtfRaw raw;
    private final byte[] states;
    private final int[] ids;
    private final int[] sizes;

    Resolution(BtfRaw raw) {
        this.raw = raw;
        this.states = new byte[raw.count()];
        this.ids = new int[raw.count()];
        this.sizes = new int[raw.count()];
    }

    boolean visit(int id) {
        if (states[id] != 0) {
            return false;
        }
        states[id] = VISITED;
        return true;
    }

    void resolve(int id, int resolvedId, int size) {
        ids[id] = resolvedId;
        sizes[id] = size;
        states[id] = RESOLVED;
    }

    boolean resolved(int id) {
        return states[id] == RESOLVED;
    }

    int resolvedId(int id) {
        return ids[id];
    }

    int resolvedSize(int id) {
        return sizes[id];
    }

    boolean noSizeOrMissing(int id) {
        if (!raw.exists(id)) {
            return true;
        }
        return switch (BtfKind.of(raw.kindId(id))) {
            case UNKNOWN, FWD, FUNC, FUNC_PROTO, DECL_TAG -> true;
            default -> false;
        };
    }

    /** Kinds that nothing but a section or a tag may refer to. */
    boolean sourceOnly(int id) {
        return switch (BtfKind.of(raw.kindId(id))) {
            case VAR, DECL_TAG, DATASEC -> true;
            default -> false;
        };
    }

    /** Kinds that refer to other types in a way that must be followed. */
    static boolean needsResolving(BtfKind kind) {
        return switch (kind) {
            case TYPEDEF, VOLATILE, CONST, RESTRICT, TYPE_TAG, PTR, STRUCT, UNION, ARRAY, VAR, FUNC, DECL_TAG,
                    DATASEC -> true;
            default -> false;
        };
    }

    /**
     * The type that {@code id} comes down to if that type has a size, else -1. A modifier must be resolved.
     */
    int sized(int id) {
        if (noSizeOrMissing(id)) {
            return -1;
        }
        if (!BtfKind.of(raw.kindId(id)).isModifier() && BtfKind.of(raw.kindId(id)) != BtfKind.VAR) {
            return id;
        }
        int target = ids[id];
        if (noSizeOrMissing(target)) {
            return -1;
        }
        BtfKind kind = BtfKind.of(raw.kindId(target));
        return kind.hasSize() || kind == BtfKind.ARRAY || kind == BtfKind.PTR ? target : -1;
    }

    /** Bytes of a type that {@link #sized} returned; unsigned. */
    int sizeOf(int sizedId) {
        return switch (BtfKind.of(raw.kindId(sizedId))) {
            case ARRAY -> sizes[sizedId];
            case PTR -> POINTER_SIZE;
            default -> raw.size(sizedId);
        };
    }

    /** Whether an integer is one of the C integers, rather than a bit field in disguise. */
    boolean regularInteger(int id) {
        int data = raw.trailing(id, 0);
        int bits = data & 0xFF;
        int bytes = (bits + 7) / 8;
        return bits % 8 == 0 && (data >>> 16 & 0xFF) == 0 && bytes <= 16 && Integer.bitCount(bytes) == 1;
    }
}
