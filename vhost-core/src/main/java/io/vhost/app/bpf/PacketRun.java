package io.vhost.app.bpf;

import io.vhost.app.cli.EndSignal;
import io.vhost.bpf.load.LoadedObject;
import io.vhost.bpf.map.BpfTable;
import io.vhost.bpf.map.MapException;
import io.vhost.bpf.map.MapFactory;
import io.vhost.bpf.map.MapSpec;
import io.vhost.bpf.map.MapType;
import io.vhost.bpf.map.RingBuffer;
import io.vhost.bpf.map.SlotTable;
import io.vhost.bpf.mem.Address;
import io.vhost.bpf.run.Abort;
import io.vhost.bpf.run.ContextLayout;
import io.vhost.bpf.run.Cpu;
import io.vhost.bpf.run.PacketBuffer;
import io.vhost.bpf.run.Program;
import io.vhost.bpf.view.TypedMap;
import io.vhost.pcap.CaptureFormat;
import io.vhost.pcap.CapturedPacket;
import io.vhost.pcap.Captures;
import io.vhost.pcap.PcapException;
import io.vhost.pcap.PcapReader;
import io.vhost.pcap.PcapWriter;
import java.io.IOException;
import java.io.PrintWriter;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

/** Runs a program on each packet of a capture, and says what became of it. Thread: one. */
final class PacketRun {
    private static final int PORT = 1;
    private static final int EVENTS = 1 << 16;
    private static final int SHOWN = 64;
    private static final int OFFSET_DIGITS = 6;

    private final LoadedObject loaded;
    private final Program program;
    private final Cpu cpu = new Cpu(0);
    private final PacketBuffer buffer;
    private final ActionCounts counts;
    private final List<RingBuffer> rings = new ArrayList<>();
    private final PrintWriter out;
    private final boolean quiet;
    private long packets;
    private long runs;
    private long nanoseconds;
    private long written;

    /**
     * Prepares it.
     *
     * @param quiet whether to leave out what each packet got
     * @throws MapException if there is no memory for events
     */
    PacketRun(LoadedObject loaded, String name, PrintWriter out, boolean quiet) throws MapException {
        this.loaded = loaded;
        this.program = loaded.program(name);
        this.out = out;
        this.quiet = quiet;
        ContextLayout layout = program.image().context();
        buffer = new PacketBuffer(cpu, layout);
        counts = new ActionCounts(layout.equals(ContextLayout.SKB));
        for (TypedMap map : loaded.maps().values()) {
            if (map.table() instanceof RingBuffer ring) {
                rings.add(ring);
            } else if (map.table().spec().type() == MapType.PERF_EVENT_ARRAY.id()) {
                rings.add(events((SlotTable) map.table()));
            }
        }
    }

    /** Everything runs on one CPU, so there is one place for events. */
    private static RingBuffer events(SlotTable slots) throws MapException {
        BpfTable ring = new MapFactory(1, 2L * EVENTS).create(new MapSpec(slots.spec().name(),
                MapType.RINGBUF.id(), 0, 0, EVENTS, 0));
        slots.set(0, ring);
        return (RingBuffer) ring;
    }

    /**
     * Runs it on the whole capture.
     *
     * @param to     where the packets go that were not dropped, if anywhere
     * @param repeat how often to run on each packet; what the first run did is what is told
     * @param end    tells when to stop before the end
     */
    void run(Path from, Optional<Path> to, long repeat, EndSignal end) throws IOException {
        try (PcapReader reader = Captures.open(Files.newInputStream(from))) {
            CapturedPacket packet = reader.next();
            if (packet != null && reader.linkType() != CaptureFormat.ETHERNET) {
                throw new IOException(from + " has packets of link type " + reader.linkType()
                        + "; programs get Ethernet (1)");
            }
            try (PcapWriter writer = to.isPresent() ? writer(to.get()) : null) {
                for (; packet != null && !end.isRaised(); packet = reader.next()) {
                    one(packet, repeat, writer);
                }
            }
        } catch (PcapException e) {
            throw new IOException(from + ": " + e.getMessage(), e);
        }
        summary();
    }

    private static PcapWriter writer(Path to) throws IOException {
        return to.toString().endsWith(".pcapng")
                ? PcapWriter.pcapng(Files.newOutputStream(to), CaptureFormat.ETHERNET)
                : PcapWriter.pcap(Files.newOutputStream(to), CaptureFormat.ETHERNET);
    }

    private void one(CapturedPacket packet, long repeat, PcapWriter writer) throws IOException {
        packets++;
        byte[] bytes = packet.bytes();
        long start = System.nanoTime();
        int action = execute(bytes);
        nanoseconds += System.nanoTime() - start;
        Abort abort = cpu.abort();
        String name = abort == Abort.NONE ? counts.name(action) : "ABORTED";
        byte[] left = buffer.packet();
        if (!quiet) {
            out.printf("%" + OFFSET_DIGITS + "d %6d bytes  %-9s%s%n", packets, bytes.length, name,
                    details(left.length, bytes.length, abort));
        }
        drain(!quiet);
        counts.count(name, 1);
        runs++;
        if (writer != null && counts.goesOn(action, abort)) {
            writer.write(new CapturedPacket(packet.nanoseconds(),
                    packet.length() - bytes.length + left.length, left));
            written++;
        }
        again(bytes, repeat - 1);
    }

    private int execute(byte[] bytes) {
        buffer.set(bytes, PORT, 0);
        return (int) program.run(cpu, Address.CONTEXT, 0);
    }

    private void again(byte[] bytes, long times) {
        for (long i = 0; i < times; i++) {
            long start = System.nanoTime();
            int action = execute(bytes);
            nanoseconds += System.nanoTime() - start;
            counts.count(cpu.abort() == Abort.NONE ? counts.name(action) : "ABORTED", 1);
            runs++;
            drain(false);
        }
    }

    private String details(int left, int before, Abort abort) {
        StringBuilder text = new StringBuilder();
        if (abort != Abort.NONE) {
            text.append(' ').append(abort.text());
            if (cpu.faultAt() >= 0) {
                text.append(", instruction ").append(cpu.faultAt());
                String source = program.image().code().source(cpu.faultAt());
                text.append(source.isEmpty() ? "" : "; " + source);
            }
        } else if (left != before) {
            text.append(' ').append(left).append(" bytes");
        }
        if (cpu.redirect() != Cpu.NOWHERE) {
            text.append(" to ").append(cpu.redirect());
        }
        return text.toString();
    }

    private void drain(boolean show) {
        for (RingBuffer ring : rings) {
            ring.consume((segment, offset, length) -> {
                if (show) {
                    byte[] shown = segment.asSlice(offset, Math.min(length, SHOWN))
                            .toArray(ValueLayout.JAVA_BYTE);
                    out.printf("%" + OFFSET_DIGITS + "s %6d bytes to %s: %s%s%n", "", length,
                            ring.spec().name(), HexFormat.ofDelimiter(" ").formatHex(shown),
                            length > SHOWN ? " ..." : "");
                }
                counts.count("records in " + ring.spec().name(), 1);
            });
        }
    }

    private void summary() {
        out.print(packets == 1 ? "1 packet" : packets + " packets");
        out.print(runs > packets ? ", " + runs + " runs" : "");
        out.println(packets == 0 ? "" : ": " + counts);
        if (runs > packets) {
            out.println(nanoseconds / runs + " ns a run, the packet's copy and the clock included");
        }
        if (written > 0) {
            out.println(written + " packets written");
        }
        for (TypedMap map : loaded.maps().values()) {
            out.print(map);
        }
        out.flush();
    }
}
