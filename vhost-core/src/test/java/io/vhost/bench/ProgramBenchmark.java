package io.vhost.bench;

import io.vhost.bpf.Clang;
import io.vhost.device.PacketPorts;
import io.vhost.device.PacketProgram;
import io.vhost.device.ProgramChain;
import io.vhost.device.VirtQueue;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.program.ProgramObject;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Nanoseconds a packet from the guest and back with a program on the way in: what a program costs is the
 * difference to {@code NONE}. Needs clang, but for the first two.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(3)
public class ProgramBenchmark {
    private static final int BURST = 32;
    private static final int SIZE = 64;
    private static final int FLOWS = 1024;

    /** What looks at packets. */
    public enum Program {
        /** Nothing. */
        NONE,
        /** Java that looks at the type. */
        JAVA,
        /** eBPF that parses to the ports of UDP. */
        FILTER,
        /** eBPF that counts packets and bytes by address. */
        FLOWCOUNT
    }

    /** Which one. */
    @Param
    private Program program;

    private final Packet[] packets = new Packet[BURST];
    private SyntheticGuest guest;
    private PacketPool pool;
    private VirtQueue toGuest;
    private VirtQueue fromGuest;

    /** A guest with full rings and a pool that stays in the first-level cache. */
    @Setup
    public void start() throws Exception {
        guest = new SyntheticGuest(SIZE);
        guest.fill(ProgramBenchmark::udp);
        toGuest = guest.queue(0);
        fromGuest = guest.queue(1);
        pool = PacketPool.create(2 * BURST, 2048 + PacketPool.DEFAULT_HEADROOM);
        ProgramChain chain = ProgramChain.fromGuest("guest", 1, PacketPorts.NONE);
        switch (program) {
            case NONE -> { }
            case JAVA -> chain.attach("java", java());
            case FILTER -> chain.attach("filter", ebpf("filter"));
            case FLOWCOUNT -> chain.attach("flowcount", ebpf("flowcount"));
        }
        fromGuest.programs(chain);
    }

    private static PacketProgram java() {
        return burst -> {
            for (int i = 0; i < burst.count(); i++) {
                if (burst.packet(i).networkShortAt(12) != 0x0800) {
                    burst.drop(i);
                }
            }
        };
    }

    private static PacketProgram ebpf(String name) throws Exception {
        Path folder = Files.createTempDirectory("programs");
        Path object = Clang.program(folder, name);
        PacketProgram code = ProgramObject.load(object).program("");
        Files.delete(object);
        Files.delete(folder);
        return code;
    }

    private static byte[] udp(int number) {
        ByteBuffer packet = ByteBuffer.allocate(SIZE);
        packet.putShort(12, (short) 0x0800).put(14, (byte) 0x45).putShort(16, (short) (SIZE - 14));
        packet.put(23, (byte) 17).putInt(26, 0x0A000000 + number % FLOWS).putShort(36, (short) 80);
        return packet.array();
    }

    /** Frees the guest. */
    @TearDown
    public void stop() {
        guest.close();
        pool.close();
    }

    /** Guest to application and back; all packets pass. */
    @Benchmark
    @OperationsPerInvocation(BURST)
    public int forward() {
        guest.offer(1, BURST);
        guest.offer(0, BURST);
        int count = 0;
        while (count < BURST) {
            // Bursts are smaller while a program is not compiled yet.
            count += fromGuest.dequeueBurst(pool, packets, count, BURST - count);
        }
        count = toGuest.enqueueBurst(packets, 0, count);
        pool.release(packets, 0, count);
        return count;
    }
}
