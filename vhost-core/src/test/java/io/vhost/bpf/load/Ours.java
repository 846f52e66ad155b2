package io.vhost.bpf.load;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.bpf.BpfObject;
import io.vhost.bpf.flow.AccessRegions;
import io.vhost.bpf.map.MapFactory;
import io.vhost.bpf.mem.Address;
import io.vhost.bpf.run.Abort;
import io.vhost.bpf.run.ContextLayout;
import io.vhost.bpf.run.Cpu;
import io.vhost.bpf.run.PacketBuffer;
import io.vhost.bpf.run.Program;
import io.vhost.bpf.vm.Interpreter;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/** A loaded object with one Cpu that runs one of its programs, interpreted or compiled. */
final class Ours {
    private final LoadedObject loaded;
    private final Program program;
    private final Cpu cpu = new Cpu(0);
    private final PacketBuffer buffer;

    Ours(BpfObject object, String name, boolean interpreted) throws Exception {
        loaded = LoadedObject.load(object, new MapFactory(1, 1 << 26));
        program = loaded.program(name);
        for (String each : loaded.programs().keySet()) {
            assertTrue(loaded.whyInterpreted(each).isEmpty(), () -> each + ": "
                    + loaded.whyInterpreted(each));
            Program one = loaded.program(each);
            if (interpreted) {
                one.execute(new Interpreter(one.image(), AccessRegions.of(one.image())));
            }
        }
        buffer = new PacketBuffer(cpu, program.image().context());
    }

    LoadedObject loaded() {
        return loaded;
    }

    /** Sets an entry of a map. */
    void put(String map, byte[] key, byte[] value) {
        assertEquals(0, loaded.map(map).update(segment(key), 0, segment(value), 0, 0, 0));
    }

    static MemorySegment segment(byte[] bytes) {
        MemorySegment segment = Arena.ofAuto().allocate(bytes.length, 8);
        MemorySegment.copy(bytes, 0, segment, ValueLayout.JAVA_BYTE, 0, bytes.length);
        return segment;
    }

    /** Runs on a packet, as if it came in at interface 1. */
    KernelRun.Result run(byte[] packet) {
        buffer.set(packet, 1, 0);
        int action = (int) program.run(cpu, Address.CONTEXT, 0);
        assertEquals(Abort.NONE, cpu.abort());
        // The kernel shows the metadata in front of XDP's packets, too.
        boolean tc = program.image().context().equals(ContextLayout.SKB);
        List<Byte> bytes = new ArrayList<>();
        for (byte b : tc ? buffer.packet() : buffer.packetWithMetadata()) {
            bytes.add(b);
        }
        return new KernelRun.Result(action, bytes, 0);
    }
}
