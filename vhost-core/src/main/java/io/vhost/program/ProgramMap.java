package io.vhost.program;

import io.vhost.bpf.map.MapType;
import io.vhost.bpf.view.TypedMap;
import io.vhost.bpf.view.TypedValue;
import io.vhost.bpf.view.ValueTree;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A map of an object, with the types that its author gave keys and values.
 *
 * <p>Keys and values are trees of what JSON has: a number is a {@code Long}, a struct a {@code Map} by the
 * names of its members, an array a {@code List}; what has no known type a {@code String} of hexadecimal
 * bytes. To be set, bytes in a row may also be one string, the first byte first: {@code "10.0.0.1"},
 * {@code "2001:db8::1"}, {@code "52:54:00:00:00:01"}, {@code "0a 00 00 01"}; so may a number that the network
 * writes. Numbers are in the machine's byte order.
 *
 * <p>Threads: any, also while programs run: what is read is a copy of an entry at some moment of the call,
 * in which a value that a program changes meanwhile may be half of each.
 */
public final class ProgramMap {
    // Of Linux.
    private static final int ENOENT = -2;
    private static final int E2BIG = -7;
    private static final int EINVAL = -22;

    private final String name;
    private final TypedMap map;
    private final int cpus;

    ProgramMap(String name, TypedMap map, int threads) {
        this.name = name;
        this.map = map;
        this.cpus = switch (MapType.of(map.table().spec().type())) {
            case PERCPU_ARRAY, PERCPU_HASH, LRU_PERCPU_HASH -> threads;
            default -> 1;
        };
    }

    /**
     * An entry.
     *
     * @param key its key
     * @param values one, or one for each thread that runs programs if the map is per CPU
     */
    public record Entry(Object key, List<Object> values) {}

    /** {@return its name} */
    public String name() {
        return name;
    }

    /** {@return its kind, as {@code LRU_HASH}} */
    public String type() {
        return MapType.of(map.table().spec().type()).toString();
    }

    /** {@return most entries} */
    public long maxEntries() {
        return Integer.toUnsignedLong(map.table().spec().maxEntries());
    }

    /** {@return bytes of a key and its values; of a per-CPU map those of all threads} */
    public long entryBytes() {
        return Integer.toUnsignedLong(map.table().spec().keySize())
                + (long) cpus * Integer.toUnsignedLong(map.table().spec().valueSize());
    }

    /** {@return whether entries have a value for each thread that runs programs} */
    public boolean isPerCpu() {
        return cpus > 1;
    }

    /**
     * {@return the value of a key; of a per-CPU map a list of all}
     *
     * @throws IllegalArgumentException if the key does not match the map's type
     */
    public Optional<Object> get(Object key) {
        TypedValue typed = key(key);
        List<Object> values = new ArrayList<>();
        for (int cpu = 0; cpu < cpus; cpu++) {
            map.get(typed, cpu).ifPresent(value -> values.add(ValueTree.of(value)));
        }
        return values.isEmpty() ? Optional.empty() : Optional.of(cpus == 1 ? values.getFirst() : values);
    }

    /**
     * Sets the value of a key, in a per-CPU map for all threads.
     *
     * @throws IllegalArgumentException if key or value do not match the map's types
     * @throws IllegalStateException if the map has no room, no such entry, or cannot be changed
     */
    public void put(Object key, Object value) {
        TypedValue typedKey = key(key);
        TypedValue typedValue = map.newValue();
        ValueTree.set(typedValue, value);
        for (int cpu = 0; cpu < cpus; cpu++) {
            check("put", key, map.put(typedKey, typedValue, 0, cpu));
        }
    }

    /**
     * Removes a key.
     *
     * @return whether it was there
     * @throws IllegalArgumentException if the key does not match the map's type
     * @throws IllegalStateException if nothing can be removed from such a map
     */
    public boolean remove(Object key) {
        int result = map.remove(key(key));
        if (result == ENOENT) {
            return false;
        }
        check("remove", key, result);
        return true;
    }

    private TypedValue key(Object tree) {
        TypedValue key = map.newKey();
        ValueTree.set(key, tree);
        return key;
    }

    private void check(String what, Object key, int result) {
        if (result != 0) {
            throw new IllegalStateException(what + " of " + key + " in map " + name + " of type " + type()
                    + " and " + maxEntries() + " entries: " + reason(result));
        }
    }

    private static String reason(int result) {
        return switch (result) {
            case E2BIG -> "no room, or no such entry; give the map more max_entries";
            case ENOENT -> "there is no such entry";
            case EINVAL -> "a map of this type does not do that";
            default -> "error " + -result + " of Linux";
        };
    }

    /**
     * {@return copies of entries, in no order; of arrays also those that are zero}
     *
     * @param most how many at most
     */
    public List<Entry> entries(int most) {
        List<Entry> entries = new ArrayList<>();
        map.forEachWhile((key, values) -> {
            if (entries.size() < most) {
                entries.add(new Entry(ValueTree.of(key), values.stream().map(ValueTree::of).toList()));
            }
            return entries.size() < most;
        });
        return entries;
    }

    /** {@return name and kind in a line, then a line for each entry, at most 1,000} */
    @Override
    public String toString() {
        return map.toString();
    }
}
