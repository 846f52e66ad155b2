package io.vhost.bpf.load;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.vhost.bpf.BpfMap;
import io.vhost.bpf.BpfObject;
import io.vhost.bpf.BpfProgram;
import io.vhost.bpf.Clang;
import io.vhost.bpf.map.BpfTable;
import io.vhost.bpf.map.MapType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Programs of the size that people deploy (src/test/resources/programs) on mixed packets: the kernel accepts
 * them, and answers, packets and maps are the same there, interpreted and compiled. More packets with
 * {@code -Dpackets=10000}.
 */
@Tag("peer")
class RealProgramsTest {
    private static final int PACKETS = Integer.getInteger("packets", 250);
    private static final int XDP = 6;
    private static final int SCHED_CLS = 3;
    private static final HexFormat HEX = HexFormat.of();

    @TempDir
    private Path folder;

    /** The program, and at least how many different answers mixed packets get. */
    static Stream<Arguments> programs() {
        return Stream.of(arguments("parse", "parse", 3), arguments("ratelimit", "ratelimit", 2),
                arguments("flows", "flows_of", 2), arguments("vlan", "vlan", 3),
                arguments("ipip", "ipip", 2), arguments("balancer", "balancer", 3),
                arguments("nat", "nat", 3), arguments("dhcp", "dhcp", 2), arguments("dns", "dns", 3),
                arguments("chain", "chain", 2), arguments("functions", "functions", 3),
                arguments("sample", "sample_all", 1), arguments("firewall", "firewall", 3),
                arguments("helpers_xdp", "helpers", 3), arguments("helpers_tc", "helpers", 2));
    }

    /** Where entries are put: the kernel's maps, or ours. */
    interface Maps {
        void put(String map, byte[] key, byte[] value);
    }

    private static byte[] bytes(int... words) {
        ByteBuffer bytes = ByteBuffer.allocate(4 * words.length).order(ByteOrder.nativeOrder());
        Arrays.stream(words).forEach(bytes::putInt);
        return bytes.array();
    }

    /** What an application would put into the maps of these programs. */
    static void fill(String name, Maps maps) {
        switch (name) {
            case "vlan" -> {
                maps.put("rules", bytes(3), HEX.parseHex("02000500"));
                maps.put("rules", bytes(7), HEX.parseHex("03006300"));
            }
            case "helpers_xdp" -> maps.put("ports", bytes(2), bytes(1));   // the loopback interface
            case "ipip" -> {
                maps.put("tunnels", HEX.parseHex("11000050"),
                        HEX.parseHex("0a0000010a0000630202020202020000"));
                maps.put("tunnels", HEX.parseHex("060001bb"),
                        HEX.parseHex("0a0000020a0000640303030303030000"));
            }
            case "balancer" -> balancer(maps);
            case "firewall" -> maps.put("prefixes",
                    HEX.parseHex("7e00000000000000000000000000ffff0a000004"), bytes(1, 0));
            default -> { }
        }
    }

    private static void balancer(Maps maps) {
        SplittableRandom random = new SplittableRandom(5);
        for (int i = 0; i < 1021; i++) {
            maps.put("first", bytes(i), bytes(random.nextInt(10)));
            maps.put("second", bytes(i), bytes(10 + random.nextInt(6)));
        }
        for (int i = 0; i < 16; i++) {
            maps.put("servers", bytes(i), HEX.parseHex("fd0000000000000000000000%08x02040608%04x"
                    .formatted(0x0a010000 + i, i) + (i % 3 == 0 ? "0100" : "0000")));
        }
        String v4 = "000000000000000000000000";
        maps.put("services", HEX.parseHex(v4 + "0a0000640050" + "06" + "00"), bytes(0, 0));
        maps.put("services", HEX.parseHex(v4 + "0a0000640035" + "11" + "00"), bytes(3, 0));
        maps.put("services", HEX.parseHex(v4 + "0a0000650000" + "11" + "00"), bytes(3, 1));
        maps.put("services", HEX.parseHex(v4 + "0a0000660000" + "06" + "00"), bytes(2, 0));
        for (int i = 0; i < 6; i++) {
            maps.put("services", HEX.parseHex("fd00000000000000000000000000" + "01%02x".formatted(i) + "0000"
                    + (i % 2 == 0 ? "06" : "11") + "00"), bytes(i % 2 * 3, 0));
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("programs")
    void theKernelInterpreterAndCompiledCodeAgree(String file, String name, int answers) throws Exception {
        for (String version : List.of("v2", "v3")) {
            BpfObject object = BpfObject.read(Clang.program(folder, file, "-mcpu=" + version));
            try (KernelRun kernel = new KernelRun()) {
                kernel.maps(object);
                Map<String, Integer> descriptors = new HashMap<>();
                for (BpfProgram program : object.programs()) {
                    int type = program.function().section().equals("tc") ? SCHED_CLS : XDP;
                    int descriptor = kernel.load(object, program, type, object.link(program).instructions());
                    descriptors.put(program.name(), descriptor);
                    kernel.slots(object, program.name(), descriptor);
                }
                Ours interpreted = new Ours(object, name, true);
                Ours compiled = new Ours(object, name, false);
                fill(file, kernel::update);
                fill(file, interpreted::put);
                fill(file, compiled::put);
                Set<Integer> seen = new HashSet<>();
                int refused = 0;
                MixedPackets packets = new MixedPackets(new SplittableRandom(file.hashCode()));
                for (int i = 0; i < PACKETS; i++) {
                    byte[] packet = packets.next();
                    KernelRun.Result expected = kernel.tryRun(descriptors.get(name), packet, 1);
                    if (expected == null) {
                        refused++;
                        continue;
                    }
                    seen.add(expected.action());
                    for (Ours ours : List.of(interpreted, compiled)) {
                        KernelRun.Result result = ours.run(packet);
                        String what = "packet " + i + " " + HEX.formatHex(packet);
                        assertEquals(expected.action(), result.action(), what);
                        assertEquals(expected.packet(), result.packet(), what);
                    }
                }
                assertTrue(seen.size() >= answers, () -> "only " + seen);
                assertTrue(refused < PACKETS / 5, "the kernel refused " + refused + " packets");
                for (BpfMap map : object.maps()) {
                    same(kernel, map, interpreted.loaded().map(map.name()));
                    same(kernel, map, compiled.loaded().map(map.name()));
                }
            }
        }
    }

    private static void same(KernelRun kernel, BpfMap map, BpfTable table) throws Exception {
        MapType type = MapType.of(map.type());
        if (map.keySize() == 0 || table.values().byteSize() == 0) {
            return;
        }
        boolean perCpu = type == MapType.PERCPU_ARRAY || type == MapType.PERCPU_HASH;
        if (type == MapType.DEVMAP || map.name().equals("percpu")) {
            return;   // what is set there, not counted, depends on where the kernel ran
        }
        int size = (int) map.valueSize();
        int entries = 0;
        for (byte[] key : kernel.keys(map.name(), (int) map.keySize())) {
            entries++;
            long at = table.lookup(Ours.segment(key), 0, 0);
            String what = map.name() + " " + HEX.formatHex(key);
            assertTrue(at != BpfTable.ABSENT, () -> what + " is missing");
            byte[] own = table.values().asSlice(at, size).toArray(ValueLayout.JAVA_BYTE);
            byte[] theirs = perCpu ? sum(kernel.lookup(map.name(), key, size * cpus()), size)
                    : kernel.lookup(map.name(), key, size);
            if (map.name().equals("sources")) {   // begins with a time
                Arrays.fill(own, 0, 8, (byte) 0);
                Arrays.fill(theirs, 0, 8, (byte) 0);
            }
            assertArrayEquals(theirs, own, () -> what);
        }
        MemorySegment key = Ours.segment(new byte[(int) map.keySize() + 8]);
        int own = 0;
        for (int place = 0; place < table.places(); place++) {
            own += table.key(place, key, 0) ? 1 : 0;
        }
        assertEquals(entries, own, map.name());
    }

    private static int cpus() throws Exception {
        String possible = Files.readString(Path.of("/sys/devices/system/cpu/possible")).strip();
        return Integer.parseInt(possible.substring(possible.indexOf('-') + 1)) + 1;
    }

    /** The kernel may have run on any CPU; counters of all add up to what one has counted here. */
    private static byte[] sum(byte[] values, int size) {
        ByteBuffer all = ByteBuffer.wrap(values).order(ByteOrder.nativeOrder());
        ByteBuffer sum = ByteBuffer.allocate(size).order(ByteOrder.nativeOrder());
        for (int at = 0; at < values.length; at += 8) {
            sum.putLong(at % size, sum.getLong(at % size) + all.getLong(at));
        }
        return sum.array();
    }
}
