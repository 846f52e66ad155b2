package io.vhost.bpf.helper;

import static io.vhost.bpf.helper.Argument.ANYTHING;
import static io.vhost.bpf.helper.Argument.MAP;
import static io.vhost.bpf.helper.Argument.MAP_KEY;
import static io.vhost.bpf.helper.Argument.MAP_VALUE;
import static io.vhost.bpf.helper.Argument.MAP_VALUE_OUT;

import io.vhost.bpf.map.BpfTable;
import io.vhost.bpf.map.MapSpec;
import io.vhost.bpf.map.QueueTable;
import io.vhost.bpf.mem.Address;
import io.vhost.bpf.run.Cpu;
import io.vhost.bpf.run.Fault;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** bpf_map_lookup_elem, update, delete, push, pop and peek, bpf_map_lookup_percpu_elem. */
final class MapHelpers {
    private static final int EINVAL = -22;
    private static final int EPERM = -1;

    private MapHelpers() {
    }

    static HelperPrototype[] all() {
        return new HelperPrototype[] {
            new HelperPrototype(1, "bpf_map_lookup_elem", false, Returns.MAP_VALUE_OR_NULL,
                    List.of(MAP, MAP_KEY), (cpu, map, key, _, _, _) -> lookup(cpu, map, key, cpu.number())),
            new HelperPrototype(2, "bpf_map_update_elem", false, Returns.NUMBER,
                    List.of(MAP, MAP_KEY, MAP_VALUE, ANYTHING), MapHelpers::update),
            new HelperPrototype(3, "bpf_map_delete_elem", false, Returns.NUMBER, List.of(MAP, MAP_KEY),
                    (cpu, map, key, _, _, _) -> delete(cpu, map, key)),
            new HelperPrototype(87, "bpf_map_push_elem", false, Returns.NUMBER,
                    List.of(MAP, MAP_VALUE, ANYTHING), (cpu, map, value, flags, _, _) ->
                    push(cpu, map, value, flags)),
            new HelperPrototype(88, "bpf_map_pop_elem", false, Returns.NUMBER, List.of(MAP, MAP_VALUE_OUT),
                    (cpu, map, value, _, _, _) -> next(cpu, map, value, true)),
            new HelperPrototype(89, "bpf_map_peek_elem", false, Returns.NUMBER, List.of(MAP, MAP_VALUE_OUT),
                    (cpu, map, value, _, _, _) -> next(cpu, map, value, false)),
            new HelperPrototype(195, "bpf_map_lookup_percpu_elem", false, Returns.MAP_VALUE_OR_NULL,
                    List.of(MAP, MAP_KEY, ANYTHING), (cpu, map, key, number, _, _) ->
                    lookup(cpu, map, key, (int) number))};
    }

    private static long lookup(Cpu cpu, long map, long key, int number) {
        BpfTable table = cpu.map(map);
        MemorySegment keys = cpu.memory().segment(key);
        long offset = Address.offset(key);
        BpfTable inner = table.inner(keys, offset);
        if (inner != null) {
            return cpu.handOut(inner);
        }
        return number < 0 ? 0 : BpfTable.address(Address.map(map), table.lookup(keys, offset, number));
    }

    private static long update(Cpu cpu, long map, long key, long value, long flags, long unused) {
        BpfTable table = cpu.map(map);
        if ((table.spec().flags() & MapSpec.RDONLY_PROG) != 0) {
            return EPERM;
        }
        return table.update(cpu.memory().segment(key), Address.offset(key), cpu.memory().segment(value),
                Address.offset(value), flags, cpu.number());
    }

    private static long delete(Cpu cpu, long map, long key) {
        BpfTable table = cpu.map(map);
        return (table.spec().flags() & MapSpec.RDONLY_PROG) != 0 ? EPERM
                : table.delete(cpu.memory().segment(key), Address.offset(key));
    }

    private static long push(Cpu cpu, long map, long value, long flags) {
        return cpu.map(map) instanceof QueueTable queue
                ? queue.push(cpu.memory().segment(value), Address.offset(value), flags) : EINVAL;
    }

    private static long next(Cpu cpu, long map, long value, boolean remove) {
        if (cpu.map(map) instanceof QueueTable queue) {
            return queue.next(cpu.memory().segment(value), Address.offset(value), remove);
        }
        throw Fault.helperArgument();
    }
}
