package io.vhost.bpf.load;

import io.vhost.bpf.btf.Btf;
import io.vhost.bpf.btf.BtfKind;
import io.vhost.bpf.btf.BtfType;
import io.vhost.bpf.btf.TypeSize;
import io.vhost.bpf.map.MapSpec;
import io.vhost.bpf.rules.MapFacts;

/** What an object's types say of maps beyond their numbers: locks in values, maps in maps. */
final class DeclaredMaps {
    private static final String LOCK = "bpf_spin_lock";

    private final Btf btf;

    DeclaredMaps(Btf btf) {
        this.btf = btf;
    }

    /** Where values of a type have a lock, or -1. */
    int lockIn(String valueType) {
        BtfType.Composite struct = struct(valueType);
        if (struct == null) {
            return -1;
        }
        for (BtfType.Member member : struct.members()) {
            boolean lock = btf.type(btf.strip(member.type())) instanceof BtfType.Composite inner
                    && inner.name().equals(LOCK);
            if (lock) {
                return (int) (member.offset() / Byte.SIZE);
            }
        }
        return -1;
    }

    /** What the maps are that a map holds whose values are of a type, or null if that is no map's. */
    MapFacts inner(String valueType) {
        BtfType.Composite struct = struct(valueType);
        if (struct == null || struct.members().stream().noneMatch(m -> m.name().equals("max_entries"))) {
            return null;
        }
        long[] numbers = new long[5];
        int lock = -1;
        for (BtfType.Member member : struct.members()) {
            int pointed = btf.kind(btf.strip(member.type())) == BtfKind.PTR
                    ? btf.strip(btf.referred(btf.strip(member.type()))) : 0;
            long count = btf.type(pointed) instanceof BtfType.Array array ? array.count() : 0;
            long size = pointed == 0 ? 0 : Math.max(0, TypeSize.of(btf, pointed));
            switch (member.name()) {
                case "type" -> numbers[0] = count;
                case "key_size" -> numbers[1] = count;
                case "key" -> numbers[1] = size;
                case "value_size" -> numbers[2] = count;
                case "value" -> {
                    numbers[2] = size;
                    lock = btf.type(pointed) instanceof BtfType.Composite value
                            ? lockIn("struct " + value.name()) : -1;
                }
                case "max_entries" -> numbers[3] = count;
                case "map_flags" -> numbers[4] = count;
                default -> { }
            }
        }
        return new MapFacts(new MapSpec(valueType, (int) numbers[0], (int) numbers[1], (int) numbers[2],
                (int) numbers[3], (int) numbers[4]), lock, null);
    }

    private BtfType.Composite struct(String name) {
        String prefix = "struct ";
        int id = name.startsWith(prefix) && name.length() > prefix.length()
                ? btf.find(BtfKind.STRUCT, name.substring(prefix.length())) : Btf.NOT_FOUND;
        return id != Btf.NOT_FOUND && btf.type(id) instanceof BtfType.Composite struct ? struct : null;
    }
}
