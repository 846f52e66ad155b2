package io.vhost.bpf.load;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.vhost.bpf.BpfMap;
import io.vhost.bpf.BpfObject;
import io.vhost.bpf.BpfProgram;
import io.vhost.bpf.Clang;
import io.vhost.bpf.map.BpfTable;
import io.vhost.bpf.map.SlotTable;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Programs that clang compiled, on random packets: kernel, interpreter and compiled code do the same. */
@Tag("peer")
class KernelDifferenceTest {
    private static final int PACKETS = Integer.getInteger("packets", 300);
    private static final int XDP = 6;
    private static final int TAIL_CALLS = 10;

    @TempDir
    private Path folder;

    static Stream<Arguments> programs() {
        return Stream.of(arguments("filter", XdpSources.filter()),
                arguments("counters", XdpSources.counters()),
                arguments("vlan", XdpSources.vlan()), arguments("tunnel", XdpSources.tunnel()),
                arguments("parts", XdpSources.parts()), arguments("chain", XdpSources.chain()),
                arguments("sampler", XdpSources.sampler()));
    }

    /** Puts the program itself into all slots of its map of programs. */
    private static Ours ours(BpfObject object, String name, boolean interpreted) throws Exception {
        Ours ours = new Ours(object, name, interpreted);
        for (BpfMap map : object.maps()) {
            if (ours.loaded().map(map.name()) instanceof SlotTable slots) {
                for (int i = 0; i < TAIL_CALLS; i++) {
                    slots.set(i, ours.loaded().program(name));
                }
            }
        }
        return ours;
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("programs")
    void allThreeDoTheSame(String name, String source) throws Exception {
        BpfObject object = BpfObject.read(Clang.compile(folder, name, source, "-mcpu=v3"));
        BpfProgram program = object.programs().getFirst();
        try (KernelRun kernel = new KernelRun()) {
            kernel.maps(object);
            int descriptor = kernel.load(object, program, XDP, object.link(program).instructions());
            for (BpfMap map : object.maps()) {
                for (int i = 0; map.typeName().equals("prog_array") && i < TAIL_CALLS; i++) {
                    kernel.update(map.name(), bytes(i), bytes(descriptor));
                }
            }
            Ours interpreted = ours(object, name, true);
            Ours compiled = ours(object, name, false);
            SplittableRandom random = new SplittableRandom(name.hashCode());
            for (int i = 0; i < PACKETS; i++) {
                byte[] packet = packet(random);
                KernelRun.Result expected = kernel.run(descriptor, packet, 1);
                for (Ours ours : List.of(interpreted, compiled)) {
                    KernelRun.Result result = ours.run(packet);
                    assertEquals(expected.action(), result.action(), "packet " + i);
                    assertEquals(expected.packet(), result.packet(), "packet " + i);
                }
            }
            for (BpfMap map : object.maps()) {
                sameContents(kernel, map, interpreted.loaded().map(map.name()));
                sameContents(kernel, map, compiled.loaded().map(map.name()));
            }
        }
    }

    private static void sameContents(KernelRun kernel, BpfMap map, BpfTable table) {
        if (table instanceof SlotTable || map.keySize() == 0) {
            return;
        }
        MemorySegment key = Arena.ofAuto().allocate(map.keySize() + 8, 8);
        int size = (int) map.valueSize();
        for (int place = 0; place < table.places(); place++) {
            if (table.key(place, key, 0)) {
                byte[] wanted = key.asSlice(0, map.keySize()).toArray(ValueLayout.JAVA_BYTE);
                byte[] own = table.values().asSlice(table.valueAt(place, 0), size)
                        .toArray(ValueLayout.JAVA_BYTE);
                assertArrayEquals(kernel.lookup(map.name(), wanted, size), own, map.name() + " " + place);
            }
        }
    }

    private static byte[] bytes(int number) {
        return ByteBuffer.allocate(4).order(ByteOrder.nativeOrder()).putInt(number).array();
    }

    /** Ethernet with or without tags, IPv4 with few addresses, UDP; some of it is cut off. */
    private static byte[] packet(SplittableRandom random) {
        byte[] packet = new byte[160];
        random.nextBytes(packet);
        ByteBuffer buffer = ByteBuffer.wrap(packet);
        int at = 12;
        for (int tags = random.nextInt(3); tags > 0; tags--) {
            buffer.putShort(at, (short) 0x8100);
            at += 4;
        }
        buffer.putShort(at, (short) (random.nextInt(8) == 0 ? 0x86dd : 0x0800));
        at += 2;
        packet[at] = (byte) (0x45 + random.nextInt(2));
        packet[at + 8] = (byte) random.nextInt(6);
        packet[at + 9] = (byte) (random.nextInt(4) == 0 ? 6 : 17);
        buffer.putShort(at + 22, (short) (random.nextBoolean() ? 53 : 54));
        byte[] cut = new byte[random.nextInt(14, packet.length)];
        System.arraycopy(packet, 0, cut, 0, cut.length);
        return cut;
    }
}
