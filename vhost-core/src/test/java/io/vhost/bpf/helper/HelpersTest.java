package io.vhost.bpf.helper;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.bpf.insn.Code;
import io.vhost.bpf.insn.Insn;
import io.vhost.bpf.map.BpfTable;
import io.vhost.bpf.map.MapFactory;
import io.vhost.bpf.map.MapSpec;
import io.vhost.bpf.map.MapType;
import io.vhost.bpf.map.RingBuffer;
import io.vhost.bpf.map.SlotTable;
import io.vhost.bpf.mem.Address;
import io.vhost.bpf.run.Abort;
import io.vhost.bpf.run.ContextLayout;
import io.vhost.bpf.run.Cpu;
import io.vhost.bpf.run.Executable;
import io.vhost.bpf.run.Image;
import io.vhost.bpf.run.PacketBuffer;
import io.vhost.bpf.run.Program;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.Test;

/** Helpers that leave something elsewhere: with the Cpu, in the log, in rings, on other CPUs. */
class HelpersTest {
    private static final int ENOENT = -2;
    private static final int EINVAL = -22;
    private static final long CURRENT_CPU = 0xFFFFFFFFL;

    private final Cpu cpu = new Cpu(1);
    private final MapFactory factory = new MapFactory(2, 1 << 20);

    private BpfTable map(MapType type, int keySize, int valueSize, int entries) throws Exception {
        return factory.create(new MapSpec("m", type.id(), keySize, valueSize, entries, 0));
    }

    /** Calls a helper from inside a program, with the stack's first frame filled with {@code stack}. */
    private long call(HelperSet helpers, int id, List<BpfTable> maps, byte[] stack, long... arguments)
            throws Exception {
        Image image = new Image(Code.of("test", Insn.of(Insn.EXIT_INSN, 0, 0, 0, 0)), ContextLayout.XDP,
                maps, helpers::helper);
        new PacketBuffer(cpu, ContextLayout.XDP).set(HexFormat.of().parseHex("000102030405060708090a0b0c0d"),
                1, 0);
        Executable executable = (c, _, _, _, _, _, _, _) -> {
            MemorySegment.copy(stack, 0, c.memory().stack(), ValueLayout.JAVA_BYTE, 0, stack.length);
            long[] all = java.util.Arrays.copyOf(arguments, 5);
            return helpers.helper(id).call(c, all[0], all[1], all[2], all[3], all[4]);
        };
        return new Program(image, executable).run(cpu, Address.CONTEXT, 0);
    }

    private static byte[] key(int number) {
        return new byte[] {(byte) number, 0, 0, 0, 42, 43, 44, 45};
    }

    @Test
    void redirectsLeaveThePortWithTheCpu() throws Exception {
        assertEquals(4, call(HelperSet.xdp(), 23, List.of(), new byte[8], 7, 0));
        assertEquals(7, cpu.redirect());
        assertEquals(0, call(HelperSet.xdp(), 23, List.of(), new byte[8], 7, 1));
        assertEquals(Cpu.NOWHERE, cpu.redirect());
        assertEquals(7, call(HelperSet.classifier(), 23, List.of(), new byte[8], 0xFFFF_FFFF_FFFFL, 1));
        assertEquals(0xFFFF_FFFFL, cpu.redirect());
        assertEquals(2, call(HelperSet.classifier(), 23, List.of(), new byte[8], 7, 2));
    }

    @Test
    void redirectsThroughAMapFindThePortOrAnswerTheFlags() throws Exception {
        for (MapType type : List.of(MapType.DEVMAP, MapType.DEVMAP_HASH, MapType.CPUMAP)) {
            BpfTable ports = map(type, 4, 4, 4);
            MemorySegment entry = segment(new byte[] {2, 0, 0, 0, 9, 0, 0, 0});
            assertEquals(0, ports.update(entry, 0, entry, 4, 0, 0));
            long address = Address.ofMap(0);
            assertEquals(4, call(HelperSet.xdp(), 51, List.of(ports), new byte[8], address, 2, 1));
            assertEquals(9, cpu.redirect());
            for (int key : new int[] {0, 3, 4, -1}) {
                assertEquals(3, call(HelperSet.xdp(), 51, List.of(ports), new byte[8], address, key, 3));
                assertEquals(Cpu.NOWHERE, cpu.redirect());
            }
            assertEquals(0, call(HelperSet.xdp(), 51, List.of(ports), new byte[8], address, 2, 4));
        }
        call(HelperSet.xdp(), 51, List.of(), new byte[8], Address.ofMap(0), 2, 0);
        assertEquals(Abort.HELPER_ARGUMENT, cpu.abort());
    }

    static MemorySegment segment(byte[] bytes) {
        MemorySegment segment = java.lang.foreign.Arena.ofAuto().allocate(bytes.length, 8);
        MemorySegment.copy(bytes, 0, segment, ValueLayout.JAVA_BYTE, 0, bytes.length);
        return segment;
    }

    @Test
    void anEventHasItsBytesAndThoseOfThePacket() throws Exception {
        SlotTable events = (SlotTable) map(MapType.PERF_EVENT_ARRAY, 4, 4, 2);
        RingBuffer ring = (RingBuffer) map(MapType.RINGBUF, 0, 0, 4096);
        List<BpfTable> maps = List.of(events);
        long address = Address.ofMap(0);
        byte[] stack = HexFormat.of().parseHex("a1a2a3a4a5a6a7a8");
        assertEquals(ENOENT, call(HelperSet.xdp(), 25, maps, stack, 0, address, CURRENT_CPU, Address.STACK,
                8));
        events.set(1, ring);
        assertEquals(0, call(HelperSet.xdp(), 25, maps, stack, 0, address, CURRENT_CPU | 3L << 32,
                Address.STACK, 8));
        assertEquals(0, call(HelperSet.xdp(), 25, maps, stack, 0, address, 1, Address.STACK + 2, 3));
        assertEquals(ENOENT, call(HelperSet.xdp(), 25, maps, stack, 0, address, 0, Address.STACK, 8));
        assertEquals(-7, call(HelperSet.xdp(), 25, maps, stack, 0, address, 2, Address.STACK, 8));
        assertEquals(EINVAL, call(HelperSet.xdp(), 25, maps, stack, 0, address, CURRENT_CPU | 15L << 32,
                Address.STACK, 8));
        assertEquals(-28, call(HelperSet.xdp(), 25, maps, stack, 0, address, 1, Address.STACK, 1 << 20));
        List<String> records = new ArrayList<>();
        ring.consume((segment, offset, length) -> records.add(HexFormat.of().formatHex(
                segment.asSlice(offset, length).toArray(ValueLayout.JAVA_BYTE))));
        assertEquals(List.of("a1a2a3a4a5a6a7a8000102", "a3a4a5"), records);
        call(HelperSet.xdp(), 25, maps, stack, 0, address, 1, 0, 8);
        assertEquals(Abort.OUT_OF_BOUNDS, cpu.abort());
        assertEquals(0, ring.consume((_, _, _) -> { }), "what could not be copied is not handed out");
    }

    private static Handler collecting(List<String> lines) {
        return new Handler() {
            @Override
            public void publish(LogRecord record) {
                lines.add(record.getMessage());
            }

            @Override
            public void flush() {
            }

            @Override
            public void close() {
            }
        };
    }

    /** Whoever sends packets decides how often a program speaks: that must not fill a disk. */
    @Test
    void floodsOfLinesAreCutOff() {
        List<String> lines = new ArrayList<>();
        Logger logger = Logger.getLogger("io.vhost.bpf.helper.Trace");
        Handler handler = collecting(lines);
        logger.addHandler(handler);
        logger.setUseParentHandlers(false);
        long begin = System.nanoTime();
        try {
            for (int i = 0; i < 100_000; i++) {
                Trace.log("a line");
            }
        } finally {
            logger.removeHandler(handler);
            logger.setUseParentHandlers(true);
        }
        long seconds = (System.nanoTime() - begin) / 1_000_000_000;
        assertTrue(lines.size() <= 1001 * (seconds + 2), lines.size() + " lines in " + seconds + " s");
        assertTrue(lines.contains("a line"));
    }

    @Test
    void whatIsTracedIsALineOfTheLog() throws Exception {
        List<String> lines = new ArrayList<>();
        Handler handler = collecting(lines);
        Logger logger = Logger.getLogger("io.vhost.bpf.helper.Trace");
        logger.addHandler(handler);
        try {
            byte[] format = "@d @u @llx @@\n\0".replace('@', '%')
                    .getBytes(java.nio.charset.StandardCharsets.US_ASCII);
            assertEquals(28, call(HelperSet.xdp(), 6, List.of(), format, Address.STACK, format.length, -1,
                    -1, 1L << 40));
            assertEquals(EINVAL, call(HelperSet.xdp(), 6, List.of(), format, Address.STACK,
                    format.length - 1));
            assertEquals(EINVAL, call(HelperSet.xdp(), 6, List.of(), format, Address.STACK, 0));
            assertEquals(EINVAL, call(HelperSet.xdp(), 6, List.of(), format, Address.STACK, 513));
        } finally {
            logger.removeHandler(handler);
        }
        assertEquals(List.of("-1 4294967295 10000000000 %"), lines);
    }

    @Test
    void theValueOfAnotherCpuIsFoundByItsNumber() throws Exception {
        BpfTable map = map(MapType.PERCPU_ARRAY, 4, 8, 2);
        List<BpfTable> maps = List.of(map);
        long address = Address.ofMap(0);
        long own = call(HelperSet.xdp(), 1, maps, key(1), address, Address.STACK);
        assertEquals(Address.ofValues(0) + map.valueAt(1, 1), own);
        assertEquals(own, call(HelperSet.xdp(), 195, maps, key(1), address, Address.STACK, 1));
        assertEquals(Address.ofValues(0) + map.valueAt(1, 0),
                call(HelperSet.xdp(), 195, maps, key(1), address, Address.STACK, 0));
        for (int other : new int[] {2, -1, Integer.MAX_VALUE}) {
            assertEquals(0, call(HelperSet.xdp(), 195, maps, key(1), address, Address.STACK, other));
        }
        assertEquals(0, call(HelperSet.xdp(), 195, maps, key(2), address, Address.STACK, 0));
    }

    /** struct bpf_fib_lookup for a destination. */
    private static byte[] question(int family, int length, byte... destination) {
        byte[] question = new byte[64];
        question[0] = (byte) family;
        question[6] = (byte) length;
        question[7] = (byte) (length >>> 8);
        question[8] = 99;
        System.arraycopy(destination, 0, question, 32, destination.length);
        return question;
    }

    private long route(RouteTable routes, byte[] question, int size, long flags) throws Exception {
        return call(HelperSet.xdp().with(routes.helper()), 69, List.of(), question, Address.CONTEXT,
                Address.STACK, size, flags);
    }

    private byte[] answer(int from, int to) {
        return cpu.memory().stack().asSlice(from, to - from).toArray(ValueLayout.JAVA_BYTE);
    }

    @Test
    void routesAreFoundByTheirLongestPrefix() throws Exception {
        RouteTable routes = new RouteTable(8);
        byte[] own = {2, 2, 2, 2, 2, 2};
        byte[] hop = {4, 4, 4, 4, 4, 4};
        assertEquals(0, routes.add(new byte[] {10, 0, 0, 0}, 8, 5, 1500, own, hop));
        assertEquals(0, routes.add(new byte[] {10, 1, 0, 0}, 16, 6, 100, own, null));
        assertEquals(0, routes.add(HexFormat.of().parseHex("fd000000000000000000000000000000"), 8, 7, 1500,
                hop, own));
        assertEquals(0, route(routes, question(2, 0, (byte) 10, (byte) 2), 64, 0));
        assertEquals(5, answer(8, 12)[0]);
        assertArrayEquals(own, answer(52, 58));
        assertArrayEquals(hop, answer(58, 64));
        assertArrayEquals(new byte[] {(byte) (1500 & 0xFF), 1500 >> 8}, answer(6, 8));
        assertEquals(RouteTable.NO_NEIGHBOR, route(routes, question(2, 100, (byte) 10, (byte) 1), 64, 0));
        assertEquals(6, answer(8, 12)[0]);
        assertEquals(0, route(routes, question(2, 100, (byte) 10, (byte) 1), 64, 4));
        assertEquals(RouteTable.FRAGMENT_NEEDED, route(routes, question(2, 101, (byte) 10, (byte) 1), 64, 0));
        assertEquals(100, answer(6, 8)[0]);
        assertEquals(99, answer(8, 12)[0]);
        assertEquals(RouteTable.NOT_FORWARDED, route(routes, question(2, 0, (byte) 11), 64, 0));
        assertEquals(99, answer(8, 12)[0]);
        assertEquals(0, route(routes, question(10, 0, (byte) 0xfd, (byte) 9), 64, 0));
        assertEquals(7, answer(8, 12)[0]);
        assertEquals(EINVAL, route(routes, question(2, 0, (byte) 10), 63, 0));
        assertEquals(EINVAL, route(routes, question(2, 0, (byte) 10), 64, 64));
        assertEquals(-97, route(routes, question(3, 0, (byte) 10), 64, 0));
        assertEquals(0, routes.remove(new byte[] {10, 1, 0, 0}, 16));
        assertEquals(ENOENT, routes.remove(new byte[] {10, 1, 0, 0}, 16));
        assertEquals(0, route(routes, question(2, 100, (byte) 10, (byte) 1), 64, 0));
        assertThrows(IllegalArgumentException.class, () -> routes.remove(new byte[5], 8));
        assertNotNull(routes.helper());
        assertTrue(route(routes, new byte[64], 1 << 20, 0) < 0);
    }
}
