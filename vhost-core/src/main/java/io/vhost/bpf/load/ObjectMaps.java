package io.vhost.bpf.load;

import io.vhost.bpf.BpfMap;
import io.vhost.bpf.BpfObject;
import io.vhost.bpf.MapTypes;
import io.vhost.bpf.btf.Btf;
import io.vhost.bpf.btf.BtfType;
import io.vhost.bpf.map.BpfTable;
import io.vhost.bpf.map.MapException;
import io.vhost.bpf.map.MapFactory;
import io.vhost.bpf.map.MapOfMaps;
import io.vhost.bpf.map.MapSpec;
import io.vhost.bpf.map.SlotTable;
import io.vhost.bpf.run.Program;
import io.vhost.bpf.view.TypedMap;
import io.vhost.bpf.view.TypedValue;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The maps of an object, made and filled. Thread: one, until the object is loaded. */
final class ObjectMaps {
    private static final int EINVAL = 22;
    private static final int ARRAY = 2;

    private final BpfObject object;
    private final Map<String, TypedMap> maps = new LinkedHashMap<>();
    private final List<BpfTable> tables = new ArrayList<>();

    /**
     * Makes them, with what the object and then the application set.
     *
     * @throws MapException             if one cannot be made
     * @throws IllegalArgumentException if the application sets a variable that is not there
     */
    ObjectMaps(BpfObject object, LoadOptions options) throws MapException {
        this.object = object;
        for (BpfMap map : object.maps()) {
            BpfTable table = options.reused().get(map.name());
            if (table == null) {
                table = create(map, options.factory());
            } else {
                checkLike(table, spec(map));
            }
            tables.add(table);
            maps.put(map.name(), new TypedMap(table, object.btf(), object.types(map),
                    options.factory().cpus()));
        }
        options.variables().forEach(this::set);
        for (BpfMap map : object.maps()) {
            fillWithMaps(map);
        }
        freeze(options.factory().cpus());
    }

    /** As libbpf does with constants: the verifier takes them for numbers that stay what they are. */
    private void freeze(int cpus) {
        for (int i = 0; i < tables.size(); i++) {
            MapSpec spec = tables.get(i).spec();
            if (spec.name().startsWith(".") && (spec.flags() & MapSpec.RDONLY_PROG) != 0) {
                tables.set(i, tables.get(i).frozen());
                maps.put(spec.name(), new TypedMap(tables.get(i), object.btf(),
                        object.types(object.maps().get(i)), cpus));
            }
        }
    }

    private BpfTable create(BpfMap map, MapFactory factory) throws MapException {
        BpfTable table = factory.create(spec(map));
        byte[] data = object.initialData(map);
        MemorySegment.copy(data, 0, table.values(), ValueLayout.JAVA_BYTE, 0,
                (int) Math.min(data.length, table.values().byteSize()));
        return table;
    }

    private static MapSpec spec(BpfMap map) {
        return new MapSpec(map.name(), map.type(), size(map.keySize()), size(map.valueSize()),
                size(map.maxEntries()), map.flags());
    }

    /** As {@code bpf_map__reuse_fd} of libbpf asks for. */
    private static void checkLike(BpfTable kept, MapSpec wanted) throws MapException {
        if (!kept.spec().equals(wanted)) {
            throw new MapException(wanted, EINVAL, "the one that is to be kept is " + kept.spec()
                    + ", the object has " + wanted + "; give it the same shape, or begin with a new one");
        }
    }

    /** Sizes above what an {@code int} holds are as impossible as the largest one. */
    private static int size(long number) {
        return (int) Math.min(number, Integer.MAX_VALUE);
    }

    /** The maps, in the object's order. */
    List<BpfTable> tables() {
        return tables;
    }

    /** The maps by name. */
    Map<String, TypedMap> byName() {
        return maps;
    }

    private void set(String path, long number) {
        String variable = path.split("[.\\[]", 2)[0];
        Btf btf = object.btf();
        List<String> known = new ArrayList<>();
        for (TypedMap map : maps.values()) {
            MapTypes types = types(map);
            if (types.value() != 0 && btf.type(types.value()) instanceof BtfType.Section section) {
                List<String> names = section.variables().stream().map(v -> btf.name(v.variable())).toList();
                if (names.contains(variable)) {
                    TypedValue value = map.get(map.newKey()).orElseThrow().set(path, number);
                    MemorySegment.copy(value.bytes(), 0, map.table().values(), 0, value.bytes().byteSize());
                    return;
                }
                known.addAll(names);
            }
        }
        throw new IllegalArgumentException("no variable " + variable + "; there are " + known);
    }

    private MapTypes types(TypedMap map) {
        return object.maps().stream().filter(m -> m.name().equals(map.table().spec().name())).findFirst()
                .map(object::types).orElse(MapTypes.UNKNOWN);
    }

    /** As libbpf does, of a hash of maps the slots are the keys. */
    private void fillWithMaps(BpfMap map) throws MapException {
        TypedMap outer = maps.get(map.name());
        if (!(outer.table() instanceof MapOfMaps slots) || object.types(map).inner().isEmpty()) {
            return;
        }
        BpfMap template = object.types(map).inner().get();
        for (Map.Entry<Integer, String> slot : object.initialSlots(map).entrySet()) {
            TypedMap inner = maps.get(slot.getValue());
            if (inner == null || !isLike(template, inner.table().spec())) {
                throw new MapException(slots.spec(), EINVAL, "slot " + slot.getKey() + " holds "
                        + slot.getValue() + ", which is no map like the one that its definition declares");
            }
            TypedValue key = outer.newKey();
            int result = key.bytes().byteSize() != Integer.BYTES ? -EINVAL
                    : slots.put(key.set(slot.getKey()).bytes(), 0, inner.table());
            if (result != 0) {
                throw new MapException(slots.spec(), -result, "slot " + slot.getKey()
                        + " does not exist; raise max_entries, use keys of 4 bytes");
            }
        }
    }

    private static boolean isLike(BpfMap template, MapSpec spec) {
        return template.type() == spec.type() && template.keySize() == spec.keySize()
                && template.valueSize() == spec.valueSize() && template.flags() == spec.flags()
                && (template.type() != ARRAY || template.maxEntries() == spec.maxEntries());
    }

    /** Puts programs into the maps of programs that the object fills; others are the application's. */
    void fillWithPrograms(Map<String, Program> programs) throws MapException {
        for (BpfMap map : object.maps()) {
            BpfTable table = maps.get(map.name()).table();
            if (!(table instanceof SlotTable slots) || object.types(map).inner().isPresent()) {
                continue;
            }
            for (Map.Entry<Integer, String> slot : object.initialSlots(map).entrySet()) {
                Program program = programs.get(slot.getValue());
                if (program == null || slot.getKey() >= slots.places()) {
                    throw new MapException(slots.spec(), EINVAL, "slot " + slot.getKey() + " holds "
                            + slot.getValue() + (program == null ? ", which is no program of the object"
                            : ", but there are " + slots.places() + " slots; raise max_entries"));
                }
                slots.set(slot.getKey(), program);
            }
        }
    }
}
