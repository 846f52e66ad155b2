package io.vhost.bpf.load;

import io.vhost.bpf.BpfMap;
import io.vhost.bpf.BpfObject;
import io.vhost.bpf.BpfProgram;
import io.vhost.bpf.insn.Insn;
import io.vhost.os.BpfSyscall;
import io.vhost.os.Descriptor;
import io.vhost.peer.Peers;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Programs and maps in the running kernel, which runs them through {@code BPF_PROG_TEST_RUN}. */
final class KernelRun implements AutoCloseable {
    private static final int MAP_CREATE = 0;
    private static final int MAP_LOOKUP = 1;
    private static final int MAP_UPDATE = 2;
    private static final int MAP_DELETE = 3;
    private static final int MAP_NEXT_KEY = 4;
    private static final int PROG_LOAD = 5;
    private static final int TEST_RUN = 10;
    private static final int EINVAL = 22;
    private static final int LOG_SIZE = 1 << 20;
    private static final int PACKET = 4096;
    private static final int CONTEXT = 192;

    private final Arena arena = Arena.ofShared();
    private final MemorySegment attributes = arena.allocate(160, 8);
    private final MemorySegment data = arena.allocate(1 << 20, 8);
    private final MemorySegment in = arena.allocate(PACKET, 8);
    private final MemorySegment out = arena.allocate(PACKET, 8);
    private final MemorySegment key = arena.allocate(512, 8);
    private final MemorySegment context = arena.allocate(CONTEXT, 8);
    private final MemorySegment contextOut = arena.allocate(CONTEXT, 8);
    private final MemorySegment value = arena.allocate(1 << 16, 8);
    private final MemorySegment log = arena.allocate(LOG_SIZE);
    private final MemorySegment license = arena.allocateFrom("GPL", StandardCharsets.US_ASCII);
    private final List<Integer> descriptors = new ArrayList<>();
    private final Map<String, Integer> maps = new LinkedHashMap<>();

    /** What a run gave. */
    record Result(int action, List<Byte> packet, int nanoseconds) {
    }

    private int call(int command, int size) {
        return BpfSyscall.call(command, attributes.asSlice(0, size));
    }

    private int opened(int descriptor, String what) {
        if (descriptor == -1) {
            Peers.missing("bpf(2) is not permitted here");
        }
        if (descriptor < 0) {
            throw new AssertionError(what + ": errno " + -descriptor + "\n" + log.getString(0));
        }
        descriptors.add(descriptor);
        return descriptor;
    }

    /** Creates the maps of an object, with what they begin with. */
    void maps(BpfObject object) {
        for (BpfMap map : object.maps()) {
            Optional<BpfMap> inner = object.types(map).inner();
            int template = inner.isPresent() ? map(inner.get(), 0) : 0;
            map(map, template);
            byte[] initial = object.initialData(map);
            if (initial.length > 0) {
                update(map.name(), new byte[4], initial);
            }
        }
        for (BpfMap map : object.maps()) {
            object.initialSlots(map).forEach((slot, name) -> {
                if (maps.containsKey(name)) {
                    update(map.name(), word(slot), word(maps.get(name)));
                }
            });
        }
    }

    /** Puts a program where the object's maps of programs have its name. */
    void slots(BpfObject object, String name, int program) {
        for (BpfMap map : object.maps()) {
            object.initialSlots(map).forEach((slot, wanted) -> {
                if (wanted.equals(name)) {
                    update(map.name(), word(slot), word(program));
                }
            });
        }
    }

    private static byte[] word(int number) {
        return ByteBuffer.allocate(4).order(ByteOrder.nativeOrder()).putInt(number).array();
    }

    private int map(BpfMap map, int inner) {
        return map(map.name(), map.type(), (int) map.keySize(), (int) map.valueSize(),
                (int) map.maxEntries(), map.flags(), inner);
    }

    /** Creates a map; its descriptor. */
    int map(String name, int type, int keySize, int valueSize, int entries, int flags) {
        return map(name, type, keySize, valueSize, entries, flags, 0);
    }

    private int map(String name, int type, int keySize, int valueSize, int entries, int flags, int inner) {
        attributes.fill((byte) 0);
        attributes.set(ValueLayout.JAVA_INT, 0, type);
        attributes.set(ValueLayout.JAVA_INT, 4, keySize);
        attributes.set(ValueLayout.JAVA_INT, 8, valueSize);
        attributes.set(ValueLayout.JAVA_INT, 12, entries);
        attributes.set(ValueLayout.JAVA_INT, 16, flags);
        attributes.set(ValueLayout.JAVA_INT, 20, inner);
        int descriptor = opened(call(MAP_CREATE, 72), "map " + name);
        maps.put(name, descriptor);
        return descriptor;
    }

    /** Ends a program of {@link #tryLoad}. */
    void unload(int program) {
        Descriptor.adopt(program).close();
    }

    /** Sets an entry. */
    void update(String map, byte[] newKey, byte[] newValue) {
        int result = tryUpdate(map, newKey, newValue, 0);
        if (result < 0) {
            throw new AssertionError("update of " + map + ": errno " + -result);
        }
    }

    /** Sets an entry, or not; 0 or a negative error number. */
    int tryUpdate(String map, byte[] newKey, byte[] newValue, long flags) {
        MemorySegment.copy(newKey, 0, key, ValueLayout.JAVA_BYTE, 0, newKey.length);
        MemorySegment.copy(newValue, 0, value, ValueLayout.JAVA_BYTE, 0, newValue.length);
        element(map);
        attributes.set(ValueLayout.JAVA_LONG, 24, flags);
        withoutKey(newKey);
        return call(MAP_UPDATE, 32);
    }

    /** Removes an entry, or not; 0 or a negative error number. */
    int tryDelete(String map, byte[] wanted) {
        MemorySegment.copy(wanted, 0, key, ValueLayout.JAVA_BYTE, 0, wanted.length);
        element(map);
        attributes.set(ValueLayout.JAVA_LONG, 16, 0);
        withoutKey(wanted);
        return call(MAP_DELETE, 32);
    }

    /** Looks an entry up; 0 or a negative error number. */
    int tryLookup(String map, byte[] wanted) {
        MemorySegment.copy(wanted, 0, key, ValueLayout.JAVA_BYTE, 0, wanted.length);
        element(map);
        withoutKey(wanted);
        return call(MAP_LOOKUP, 32);
    }

    /** Maps without keys are given none. */
    private void withoutKey(byte[] wanted) {
        if (wanted.length == 0) {
            attributes.set(ValueLayout.JAVA_LONG, 8, 0);
        }
    }

    /** All keys of a map. */
    List<byte[]> keys(String map, int size) {
        List<byte[]> keys = new ArrayList<>();
        element(map);
        attributes.set(ValueLayout.JAVA_LONG, 8, 0);
        while (call(MAP_NEXT_KEY, 32) == 0) {
            byte[] next = value.asSlice(0, size).toArray(ValueLayout.JAVA_BYTE);
            keys.add(next);
            MemorySegment.copy(next, 0, key, ValueLayout.JAVA_BYTE, 0, size);
            element(map);
        }
        return keys;
    }

    private void element(String map) {
        attributes.fill((byte) 0);
        attributes.set(ValueLayout.JAVA_INT, 0, maps.get(map));
        attributes.set(ValueLayout.JAVA_LONG, 8, key.address());
        attributes.set(ValueLayout.JAVA_LONG, 16, value.address());
    }

    /** The value of a key, or null. */
    byte[] lookup(String map, byte[] wanted, int size) {
        MemorySegment.copy(wanted, 0, key, ValueLayout.JAVA_BYTE, 0, wanted.length);
        element(map);
        return call(MAP_LOOKUP, 32) < 0 ? null : value.asSlice(0, size).toArray(ValueLayout.JAVA_BYTE);
    }

    /** Loads a program; its descriptor. */
    int load(BpfObject object, BpfProgram program, int type, long[] insns) {
        return load(program.name(), type, linked(object, insns));
    }

    /** A copy with the descriptors of the object's maps. */
    long[] linked(BpfObject object, long[] original) {
        long[] insns = original.clone();
        for (int at = 0; at < insns.length; at++) {
            long insn = insns[at];
            if (Insn.opcode(insn) == Insn.LDDW) {
                boolean map = Insn.src(insn) == Insn.LDDW_MAP || Insn.src(insn) == Insn.LDDW_MAP_VALUE;
                if (map) {
                    int fd = maps.get(object.maps().get(Insn.imm(insn)).name());
                    insns[at] = Insn.of(Insn.LDDW, Insn.dst(insn), Insn.src(insn), 0, fd);
                }
                at++;
            }
        }
        return insns;
    }

    /**
     * What the verifier said.
     *
     * @param reason the last line of its log that is no statistics; empty if the program is accepted
     * @param at     the instruction that it followed last
     * @param log    all of it
     */
    record Judgement(String reason, int at, String log) {
        boolean accepts() {
            return reason.isEmpty();
        }
    }

    /** What the verifier says of a program. */
    Judgement judge(int type, long[] insns) {
        int program = tryLoad(type, insns, 0);
        if (program >= 0) {
            unload(program);
            return new Judgement("", 0, "");
        }
        if (program == -1) {
            Peers.missing("bpf(2) is not permitted here");
        }
        tryLoad(type, insns, 1);
        String reason = "errno " + -program;
        int at = -1;
        for (String line : log.getString(0, StandardCharsets.ISO_8859_1).split("\n")) {
            int colon = line.indexOf(": (");
            if (colon > 0 && line.substring(0, colon).chars().allMatch(Character::isDigit)) {
                at = Integer.parseInt(line.substring(0, colon));
            }
            reason = line.isBlank() || line.startsWith("processed ") ? reason : line;
        }
        return new Judgement(reason, at, log.getString(0, StandardCharsets.ISO_8859_1));
    }

    /** Loads instructions; their descriptor. */
    int load(String name, int type, long[] insns) {
        return opened(tryLoad(type, insns), "program " + name);
    }

    /** Offers instructions; their descriptor, or a negative error number. */
    int tryLoad(int type, long[] insns) {
        return tryLoad(type, insns, 1);
    }

    private int tryLoad(int type, long[] insns, int logLevel) {
        MemorySegment.copy(insns, 0, data, ValueLayout.JAVA_LONG, 0, insns.length);
        attributes.fill((byte) 0);
        attributes.set(ValueLayout.JAVA_INT, 0, type);
        attributes.set(ValueLayout.JAVA_INT, 4, insns.length);
        attributes.set(ValueLayout.JAVA_LONG, 8, data.address());
        attributes.set(ValueLayout.JAVA_LONG, 16, license.address());
        log.set(ValueLayout.JAVA_BYTE, 0, (byte) 0);
        attributes.set(ValueLayout.JAVA_INT, 24, logLevel);
        attributes.set(ValueLayout.JAVA_INT, 28, logLevel == 0 ? 0 : LOG_SIZE);
        attributes.set(ValueLayout.JAVA_LONG, 32, logLevel == 0 ? 0 : log.address());
        return call(PROG_LOAD, 144);
    }

    /** Runs a program on a packet. */
    Result run(int program, byte[] packet, int repeat) {
        Result result = tryRun(program, packet, repeat);
        if (result == null) {
            throw new AssertionError("the kernel runs nothing on a packet of " + packet.length + " bytes");
        }
        return result;
    }

    /** The same; null for a packet that is too short for its kind, on which the kernel runs nothing. */
    Result tryRun(int program, byte[] packet, int repeat) {
        MemorySegment.copy(packet, 0, in, ValueLayout.JAVA_BYTE, 0, packet.length);
        attributes.fill((byte) 0);
        return test(program, packet, repeat);
    }

    /** Runs a program of tc with a context; {@code skb} is then what it left in it. */
    Result run(int program, byte[] packet, byte[] skb) {
        MemorySegment.copy(packet, 0, in, ValueLayout.JAVA_BYTE, 0, packet.length);
        MemorySegment.copy(skb, 0, context, ValueLayout.JAVA_BYTE, 0, CONTEXT);
        attributes.fill((byte) 0);
        attributes.set(ValueLayout.JAVA_INT, 40, CONTEXT);
        attributes.set(ValueLayout.JAVA_INT, 44, CONTEXT);
        attributes.set(ValueLayout.JAVA_LONG, 48, context.address());
        attributes.set(ValueLayout.JAVA_LONG, 56, contextOut.address());
        Result result = test(program, packet, 1);
        if (result == null) {
            throw new AssertionError("the kernel does not take the context");
        }
        MemorySegment.copy(contextOut, ValueLayout.JAVA_BYTE, 0, skb, 0, CONTEXT);
        return result;
    }

    private Result test(int program, byte[] packet, int repeat) {
        attributes.set(ValueLayout.JAVA_INT, 0, program);
        attributes.set(ValueLayout.JAVA_INT, 8, packet.length);
        attributes.set(ValueLayout.JAVA_INT, 12, PACKET);
        attributes.set(ValueLayout.JAVA_LONG, 16, in.address());
        attributes.set(ValueLayout.JAVA_LONG, 24, out.address());
        attributes.set(ValueLayout.JAVA_INT, 32, repeat);
        int result = call(TEST_RUN, 80);
        if (result == -EINVAL) {
            return null;
        }
        if (result < 0) {
            throw new AssertionError("BPF_PROG_TEST_RUN: errno " + -result);
        }
        List<Byte> bytes = new ArrayList<>();
        for (int i = 0; i < attributes.get(ValueLayout.JAVA_INT, 12); i++) {
            bytes.add(out.get(ValueLayout.JAVA_BYTE, i));
        }
        return new Result(attributes.get(ValueLayout.JAVA_INT, 4), bytes,
                attributes.get(ValueLayout.JAVA_INT, 36));
    }

    @Override
    public void close() {
        descriptors.forEach(descriptor -> Descriptor.adopt(descriptor).close());
        arena.close();
    }
}
