package io.vhost.bpf.helper;

import static io.vhost.bpf.helper.Argument.ANYTHING;
import static io.vhost.bpf.helper.Argument.CONTEXT;
import static io.vhost.bpf.helper.Argument.MEMORY;
import static io.vhost.bpf.helper.Argument.SIZE;

import io.vhost.bpf.map.BpfTable;
import io.vhost.bpf.map.MapException;
import io.vhost.bpf.map.MapFactory;
import io.vhost.bpf.map.MapSpec;
import io.vhost.bpf.map.MapType;
import io.vhost.bpf.mem.Address;
import io.vhost.bpf.mem.Bytes;
import io.vhost.bpf.run.Cpu;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

/**
 * Routes of the application, which programs ask with bpf_fib_lookup: the longest prefix that an address has,
 * IPv4 or IPv6.
 * <pre>
 *   key:   | bits: 32 | address: 4 or 16 bytes |
 *   value: | port: 32 | mtu: 32 | next hop known: 32 | source MAC: 6 | next hop's MAC: 6 | 0: 16 |
 * </pre>
 *
 * <p>Thread: any; routes may change while programs run.
 */
public final class RouteTable {
    /** Answers of bpf_fib_lookup: the route is in the parameters. */
    public static final int SUCCESS = 0;
    /** There is no route. */
    public static final int NOT_FORWARDED = 4;
    /** There is a route, but its next hop is not known. */
    public static final int NO_NEIGHBOR = 7;
    /** The packet is longer than the route takes. */
    public static final int FRAGMENT_NEEDED = 8;

    private static final int V4 = 2;
    private static final int V6 = 10;
    private static final int MAC = 6;
    private static final int EINVAL = -22;
    private static final int EAFNOSUPPORT = -97;
    // BPF_FIB_LOOKUP_DIRECT, _OUTPUT, _SKIP_NEIGH, _TBID, _SRC, _MARK.
    private static final long FLAGS = 63;
    private static final long SKIP_NEIGHBOR = 4;
    // Offsets in struct bpf_fib_lookup.
    private static final int PARAMETERS = 64;
    private static final int LENGTH = 6;
    private static final int PORT = 8;
    private static final int METRIC = 12;
    private static final int DESTINATION = 32;
    private static final int VLAN = 48;
    private static final int SOURCE_MAC = 52;
    private static final int NEXT_MAC = 58;
    // Offsets in a route.
    private static final int ROUTE_MTU = 4;
    private static final int ROUTE_KNOWN = 8;
    private static final int ROUTE_MAC = 12;
    private static final int ROUTE = 28;

    private final BpfTable v4;
    private final BpfTable v6;

    /**
     * Makes an empty one.
     *
     * @param routes most routes of each family
     * @throws MapException if that is none, or too many
     */
    public RouteTable(int routes) throws MapException {
        MapFactory factory = new MapFactory(1, 1 << 28);
        v4 = factory.create(new MapSpec("routes", MapType.LPM_TRIE.id(), 8, ROUTE, routes,
                MapSpec.NO_PREALLOC));
        v6 = factory.create(new MapSpec("routes6", MapType.LPM_TRIE.id(), 20, ROUTE, routes,
                MapSpec.NO_PREALLOC));
    }

    /**
     * Sets a route.
     *
     * @param address 4 or 16 bytes
     * @param bits    how many of its bits count
     * @param port    the interface that packets go out of
     * @param mtu     most bytes of a packet behind its Ethernet header
     * @param source  the interface's MAC address
     * @param nextHop the MAC address of who gets them, or null if it is not known
     * @return 0 or a negative error number of Linux
     */
    public int add(byte[] address, int bits, int port, int mtu, byte[] source, byte[] nextHop) {
        MemorySegment route = Arena.ofAuto().allocate(ROUTE, 8);
        Bytes.store(route, 0, 4, port);
        Bytes.store(route, ROUTE_MTU, 4, mtu);
        Bytes.store(route, ROUTE_KNOWN, 4, nextHop == null ? 0 : 1);
        MemorySegment.copy(source, 0, route, ValueLayout.JAVA_BYTE, ROUTE_MAC, MAC);
        if (nextHop != null) {
            MemorySegment.copy(nextHop, 0, route, ValueLayout.JAVA_BYTE, ROUTE_MAC + (long) MAC, MAC);
        }
        return trie(address).update(key(address, bits), 0, route, 0, 0, 0);
    }

    /** Removes a route; 0 or a negative error number of Linux. */
    public int remove(byte[] address, int bits) {
        return trie(address).delete(key(address, bits), 0);
    }

    private BpfTable trie(byte[] address) {
        return switch (address.length) {
            case 4 -> v4;
            case 16 -> v6;
            default -> throw new IllegalArgumentException("an address of " + address.length
                    + " bytes; use 4 or 16");
        };
    }

    private static MemorySegment key(byte[] address, int bits) {
        MemorySegment key = Arena.ofAuto().allocate(4L + address.length, 8);
        Bytes.store(key, 0, 4, bits);
        MemorySegment.copy(address, 0, key, ValueLayout.JAVA_BYTE, 4, address.length);
        return key;
    }

    /** The helper that asks this table, for programs to be loaded with. */
    public HelperPrototype helper() {
        return new HelperPrototype(69, "bpf_fib_lookup", false, Returns.NUMBER,
                List.of(CONTEXT, MEMORY, SIZE, ANYTHING), (cpu, _, parameters, size, flags, _) ->
                lookup(cpu, parameters, (int) size, flags & 0xFFFFFFFFL));
    }

    private long lookup(Cpu cpu, long address, int size, long flags) {
        if (size < PARAMETERS || (flags & ~FLAGS) != 0) {
            return EINVAL;
        }
        MemorySegment segment = cpu.memory().segment(address);
        long at = Address.offset(address);
        int family = (byte) Bytes.BYTE.get(segment, at);
        if (family != V4 && family != V6) {
            return EAFNOSUPPORT;
        }
        int bytes = family == V4 ? 4 : 16;
        MemorySegment key = cpu.scratch();
        Bytes.INT.set(key, 0L, bytes * Byte.SIZE);
        MemorySegment.copy(segment, at + DESTINATION, key, 4, bytes);
        BpfTable trie = family == V4 ? v4 : v6;
        long route = trie.lookup(key, 0, 0);
        return route == BpfTable.ABSENT ? NOT_FORWARDED
                : answer(segment, at, trie.values(), route, (flags & SKIP_NEIGHBOR) != 0);
    }

    private static int answer(MemorySegment parameters, long at, MemorySegment routes, long route,
            boolean skipNeighbor) {
        int length = (short) Bytes.SHORT.get(parameters, at + LENGTH) & 0xFFFF;
        int mtu = (int) Bytes.INT.get(routes, route + ROUTE_MTU);
        if (length > mtu) {
            Bytes.SHORT.set(parameters, at + LENGTH, (short) mtu);
            return FRAGMENT_NEEDED;
        }
        Bytes.INT.set(parameters, at + PORT, (int) Bytes.INT.get(routes, route));
        Bytes.SHORT.set(parameters, at + LENGTH, (short) mtu);
        Bytes.INT.set(parameters, at + METRIC, 0);
        if (skipNeighbor) {
            return SUCCESS;
        }
        if ((int) Bytes.INT.get(routes, route + ROUTE_KNOWN) == 0) {
            return NO_NEIGHBOR;
        }
        MemorySegment.copy(routes, route + ROUTE_MAC, parameters, at + SOURCE_MAC, MAC);
        MemorySegment.copy(routes, route + ROUTE_MAC + MAC, parameters, at + NEXT_MAC, MAC);
        Bytes.INT.set(parameters, at + VLAN, 0);
        return SUCCESS;
    }
}
