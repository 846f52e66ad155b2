package io.vhost.bpf.view;

import io.vhost.bpf.MapTypes;
import io.vhost.bpf.btf.Btf;
import io.vhost.bpf.map.BpfTable;
import io.vhost.bpf.map.MapOfMaps;
import io.vhost.bpf.map.MapType;
import io.vhost.bpf.map.QueueTable;
import io.vhost.bpf.map.RingBuffer;
import io.vhost.bpf.map.SlotTable;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.BiConsumer;
import java.util.function.BiPredicate;

/**
 * A map with the types of its keys and values. Results that are numbers are 0 or a negative error number of
 * Linux, as programs get them.
 *
 * <p>Thread: any, also while programs run: what is read is a copy of what the map held at some moment of the
 * call, entry by entry; a value that a program changes meanwhile may be half of each.
 */
public final class TypedMap {
    private static final int MAX_LINES = 1000;

    private final BpfTable table;
    private final Btf btf;
    private final MapTypes types;
    private final int cpus;

    /**
     * Puts them together.
     *
     * @param cpus number of values that each entry of a per-CPU map has
     */
    public TypedMap(BpfTable table, Btf btf, MapTypes types, int cpus) {
        this.table = table;
        this.btf = btf;
        this.types = types;
        this.cpus = switch (MapType.of(table.spec().type())) {
            case PERCPU_ARRAY, PERCPU_HASH, LRU_PERCPU_HASH -> cpus;
            default -> 1;
        };
    }

    /** The map itself. */
    public BpfTable table() {
        return table;
    }

    /** A key, zero throughout, to be filled in. */
    public TypedValue newKey() {
        return value(types.key(), table.spec().keySize());
    }

    /** A value, zero throughout, to be filled in. */
    public TypedValue newValue() {
        return value(types.value(), table.spec().valueSize());
    }

    private TypedValue value(int type, int size) {
        return new TypedValue(btf, type, Arena.ofAuto().allocate(size, 8));
    }

    /** A copy of a key's value; of a per-CPU map that of CPU 0. */
    public Optional<TypedValue> get(TypedValue key) {
        return get(key, 0);
    }

    /** A copy of a key's value for a CPU. */
    public Optional<TypedValue> get(TypedValue key, int cpu) {
        long at = table.lookup(sized(key, table.spec().keySize(), "key"), 0, cpu);
        return at == BpfTable.ABSENT ? Optional.empty() : Optional.of(copy(at));
    }

    /** The number that is the value of a number, for maps that have no more to them. */
    public OptionalLong number(long key) {
        return get(newKey().set(key)).map(value -> OptionalLong.of(value.number()))
                .orElse(OptionalLong.empty());
    }

    private TypedValue copy(long at) {
        TypedValue copy = newValue();
        copy.bytes().copyFrom(table.values().asSlice(at, table.spec().valueSize()));
        return copy;
    }

    /** Sets a key's value, for CPU 0. */
    public int put(TypedValue key, TypedValue value) {
        return put(key, value, 0, 0);
    }

    /**
     * Sets a key's value.
     *
     * @param flags 0 in any case, 1 only if the key is new, 2 only if it is there
     */
    public int put(TypedValue key, TypedValue value, long flags, int cpu) {
        return table.update(sized(key, table.spec().keySize(), "key"), 0,
                sized(value, table.spec().valueSize(), "value"), 0, flags, cpu);
    }

    /** Removes a key. */
    public int remove(TypedValue key) {
        return table.delete(sized(key, table.spec().keySize(), "key"), 0);
    }

    private MemorySegment sized(TypedValue value, int size, String what) {
        if (value.bytes().byteSize() != size) {
            throw new IllegalArgumentException("a " + what + " of " + value.bytes().byteSize()
                    + " bytes; those of map " + table.spec().name() + " have " + size);
        }
        return value.bytes();
    }

    /** Hands out a copy of each entry, with a value for each CPU: one if the map is not per CPU. */
    public void forEach(BiConsumer<TypedValue, List<TypedValue>> consumer) {
        forEachWhile((key, values) -> {
            consumer.accept(key, values);
            return true;
        });
    }

    /** The same, until there is no more wish for them. */
    public void forEachWhile(BiPredicate<TypedValue, List<TypedValue>> consumer) {
        boolean wanted = true;
        TypedValue key = newKey();
        for (int place = 0; place < table.places() && wanted; place++) {
            if (table.key(place, key.bytes(), 0) && table.values().byteSize() > 0) {
                List<TypedValue> values = new ArrayList<>();
                for (int cpu = 0; cpu < cpus; cpu++) {
                    values.add(copy(table.valueAt(place, cpu)));
                }
                wanted = consumer.test(key, values);
                // The consumer may keep this one. Most places of a large map may be empty.
                key = newKey();
            }
        }
    }

    /** A line with the map's name and kind, then one per entry; of arrays those that are not all zero. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder(table.spec().name()).append(": ")
                .append(MapType.of(table.spec().type()));
        switch (table) {
            case RingBuffer ring -> text.append(", ").append(ring.query(0)).append(" bytes wait, ")
                    .append(ring.lost()).append(" records found no room\n");
            case QueueTable queue -> text.append(", ").append(queue.size()).append(" values\n");
            case MapOfMaps slots -> slots(text.append('\n'), slots);
            default -> entries(text);
        }
        return text.toString();
    }

    private void entries(StringBuilder text) {
        boolean variables = table.spec().name().startsWith(".");
        boolean array = switch (MapType.of(table.spec().type())) {
            case ARRAY, PERCPU_ARRAY -> true;
            default -> false;
        };
        StringBuilder lines = new StringBuilder();
        int[] count = new int[2];
        forEach((key, values) -> {
            count[0]++;
            boolean shown = variables || !array || values.stream().anyMatch(value -> !value.isZero());
            if (shown && count[1]++ < MAX_LINES) {
                lines.append(variables ? "  " : "  " + key + ": ")
                        .append(values.size() == 1 ? values.getFirst() : values).append('\n');
            }
        });
        text.append(", ").append(count[0]).append(count[0] == 1 ? " entry" : " entries");
        if (array && !variables && count[1] < count[0]) {
            text.append(", ").append(count[0] - count[1]).append(" of them zero");
        }
        text.append('\n').append(lines);
        if (count[1] > MAX_LINES) {
            text.append("  and ").append(count[1] - MAX_LINES).append(" more\n");
        }
    }

    /** Programs, maps, or ways to the application: their names. */
    private void slots(StringBuilder text, MapOfMaps slots) {
        for (int place = 0; place < slots.places(); place++) {
            TypedValue key = newKey();
            if (slots.key(place, key.bytes(), 0)) {
                BpfTable inner = slots.inner(key.bytes(), 0);
                String held = inner != null ? "map " + inner.spec().name()
                        : slots instanceof SlotTable table ? String.valueOf(table.get(place)) : "";
                text.append("  ").append(key).append(": ").append(held).append('\n');
            }
        }
    }
}
