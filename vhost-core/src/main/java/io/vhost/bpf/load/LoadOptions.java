package io.vhost.bpf.load;

import io.vhost.bpf.btf.Btf;
import io.vhost.bpf.helper.HelperPrototype;
import io.vhost.bpf.map.BpfTable;
import io.vhost.bpf.map.MapFactory;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What an application tells before an object is loaded. Thread: immutable; each method answers a new one.
 *
 * @param factory   makes the maps
 * @param variables numbers of variables of the object, by path: {@code debug}, {@code limits.rate}; also of
 *                  {@code .rodata} and {@code .kconfig}, which no program can change
 * @param helpers   helpers of the application's own; one with a number that is there already replaces it
 * @param reused    maps that are there already and take the places of the object's maps of the same names
 * @param types     answers what programs ask about types (CO-RE); without, the object's own do
 */
public record LoadOptions(MapFactory factory, Map<String, Long> variables, List<HelperPrototype> helpers,
                          Map<String, BpfTable> reused, Optional<Btf> types) {
    /** Copies what may be changed. */
    public LoadOptions {
        variables = Map.copyOf(variables);
        helpers = List.copyOf(helpers);
        reused = Map.copyOf(reused);
    }

    /** Nothing but what makes maps. */
    public static LoadOptions of(MapFactory factory) {
        return new LoadOptions(factory, Map.of(), List.of(), Map.of(), Optional.empty());
    }

    /** These, with a variable set. */
    public LoadOptions set(String path, long number) {
        Map<String, Long> all = new LinkedHashMap<>(variables);
        all.put(path, number);
        return new LoadOptions(factory, all, helpers, reused, types);
    }

    /** These, with a helper. */
    public LoadOptions with(HelperPrototype helper) {
        List<HelperPrototype> all = new ArrayList<>(helpers);
        all.add(helper);
        return new LoadOptions(factory, variables, all, reused, types);
    }

    /** These, with types. */
    public LoadOptions types(Btf btf) {
        return new LoadOptions(factory, variables, helpers, reused, Optional.of(btf));
    }

    /** These, with maps that are there already. */
    public LoadOptions reusing(Map<String, BpfTable> maps) {
        return new LoadOptions(factory, variables, helpers, maps, types);
    }
}
