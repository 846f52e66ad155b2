package io.vhost.program;

import io.vhost.bpf.mem.Bytes;
import io.vhost.bpf.run.Abort;
import io.vhost.bpf.run.Burst;
import io.vhost.bpf.run.ContextLayout;
import io.vhost.bpf.run.Cpu;
import io.vhost.bpf.run.Program;
import io.vhost.device.PacketBurst;
import io.vhost.device.Verdict;
import io.vhost.net.NetHeader;
import io.vhost.net.Packet;
import io.vhost.net.custody.PacketRoom;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Runs programs on packets where they lie. Allocates nothing.
 *
 * <p>Thread: that which has claimed it.
 */
final class Runner implements Burst {
    /** The virtio-net header, as metadata. */
    private static final int METADATA = NetHeader.LENGTH;

    private static final int XDP_INGRESS = 12;
    private static final int XDP_QUEUE = 16;
    private static final int XDP_EGRESS = 20;
    private static final int SKB_QUEUE = 12;
    private static final int SKB_PROTOCOL = 16;
    private static final int SKB_INGRESS = 36;
    private static final int SKB_INTERFACE = 40;
    private static final int SKB_GSO_SIZE = 176;
    private static final int ETHERNET = 14;
    private static final int TYPE = 12;

    private static final int XDP_DROP = 1;
    private static final int XDP_PASS = 2;
    private static final int XDP_TX = 3;
    private static final int XDP_REDIRECT = 4;
    private static final int TC_SHOT = 2;
    private static final int TC_STOLEN = 4;
    private static final int TC_QUEUED = 5;
    private static final int TC_REDIRECT = 7;
    private static final int TC_TRAP = 8;

    private final Cpu cpu;
    private final MemorySegment xdp = Arena.ofAuto().allocate(ContextLayout.XDP.size(), Long.BYTES);
    private final MemorySegment skb = Arena.ofAuto().allocate(ContextLayout.SKB.size(), Long.BYTES);
    private final PartialChecksum checksum = new PartialChecksum();

    private final Burst looking = new Looking();

    // Of the burst under way.
    private ProgramTraits traits;
    private Aborts aborts;
    private PacketBurst burst;
    private int port;
    private int pair;

    // Of the packet under way.
    private Packet packet;
    private int head;
    private int length;
    private boolean hasMetadata;
    private long headerWord;
    private int headerOffset;

    Runner(int number, long budget) {
        cpu = new Cpu(number);
        cpu.budget(budget);
    }

    int number() {
        return cpu.number();
    }

    /** Runs a program on each packet of a burst, and says what it decided. */
    void run(Program program, ProgramTraits what, Aborts toTell, PacketBurst packets) {
        traits = what;
        aborts = toTell;
        burst = packets;
        port = packets.place().port();
        pair = packets.pair();
        cpu.memory().context(what.isClassifier() ? skb : xdp);
        if (!what.isClassifier()) {
            boolean out = packets.place().isToGuest();
            Bytes.store(xdp, XDP_INGRESS, Integer.BYTES, port);
            Bytes.store(xdp, XDP_QUEUE, Integer.BYTES, pair);
            Bytes.store(xdp, XDP_EGRESS, Integer.BYTES, out ? port : 0);
        }
        try {
            program.runBurst(cpu, what.looksOnly() ? looking : this, 0, packets.count());
        } finally {
            traits = null;
            aborts = null;
            burst = null;
            packet = null;
        }
    }

    /** The way of XDP programs that only look, which is short: most programs, and the most packets. */
    private final class Looking implements Burst {
        @Override
        public void load(Cpu same, int element) {
            Packet next = burst.packet(element);
            int at = next.headroom();
            same.packet().set(PacketRoom.buffer(next), at, at + next.length(), ContextLayout.XDP);
        }

        @Override
        public void done(Cpu same, int element, long result) {
            // An aborted run's result is 0.
            if ((int) result != XDP_PASS) {
                Runner.this.done(same, element, result);
            }
        }
    }

    @Override
    public void load(Cpu same, int element) {
        Packet next = burst.packet(element);
        packet = next;
        head = next.headroom();
        length = next.length();
        MemorySegment room = PacketRoom.buffer(next);
        if (traits.writes()) {
            checksum.before(next);
        }
        if (traits.isClassifier()) {
            fillSkb(room);
        }
        ContextLayout layout = traits.isClassifier() ? ContextLayout.SKB : ContextLayout.XDP;
        cpu.packet().set(room, head, head + length, layout);
        hasMetadata = traits.usesMetadata() && head >= METADATA;
        if (hasMetadata) {
            headerWord = next.offload();
            headerOffset = next.checksumOffset();
            NetHeader.update(room, head - METADATA, METADATA, headerWord, headerOffset, 0);
            cpu.packet().move(head - METADATA, head, head + length);
        }
    }

    private void fillSkb(MemorySegment room) {
        skb.fill((byte) 0);
        if (length >= ETHERNET) {
            Bytes.store(skb, SKB_PROTOCOL, Integer.BYTES, Bytes.load(room, head + TYPE, Short.BYTES));
        }
        Bytes.store(skb, SKB_QUEUE, Integer.BYTES, pair);
        Bytes.store(skb, SKB_INGRESS, Integer.BYTES, port);
        Bytes.store(skb, SKB_INTERFACE, Integer.BYTES, port);
        Bytes.store(skb, SKB_GSO_SIZE, Integer.BYTES, packet.gsoSize());
    }

    @Override
    public void done(Cpu same, int element, long result) {
        if (cpu.abort() != Abort.NONE) {
            aborts.aborted(cpu);
            burst.abort(element);
            return;
        }
        Verdict verdict = traits.isClassifier() ? ofClassifier((int) result) : ofXdp((int) result);
        switch (verdict) {
            case PASS -> { }
            case TX -> burst.transmit(element);
            case REDIRECT -> burst.redirect(element, (int) cpu.redirect());
            case DROP -> {
                burst.drop(element);
                return;
            }
            case ABORTED -> {
                aborts.returned((int) result);
                burst.abort(element);
                return;
            }
        }
        if (traits.writes() && !keepChanges()) {
            aborts.badHeader();
            burst.abort(element);
        }
    }

    private Verdict ofXdp(int action) {
        return switch (action) {
            case XDP_PASS -> Verdict.PASS;
            case XDP_DROP -> Verdict.DROP;
            case XDP_TX -> Verdict.TX;
            // Without a helper's help there is nowhere to go.
            case XDP_REDIRECT -> cpu.redirect() == Cpu.NOWHERE ? Verdict.ABORTED : Verdict.REDIRECT;
            default -> Verdict.ABORTED;
        };
    }

    private Verdict ofClassifier(int action) {
        return switch (action) {
            case TC_SHOT, TC_STOLEN, TC_QUEUED, TC_TRAP -> Verdict.DROP;
            case TC_REDIRECT -> cpu.redirect() == Cpu.NOWHERE ? Verdict.DROP : Verdict.REDIRECT;
            default -> Verdict.PASS;
        };
    }

    /** Makes what the program did to the packet the packet's; false if it asks for the impossible. */
    private boolean keepChanges() {
        int data = cpu.packet().data();
        int size = cpu.packet().end() - data;
        if (data != head || size != length) {
            PacketRoom.window(packet, data, size);
        }
        if (hasMetadata && data - cpu.packet().meta() >= METADATA && !keepHeader(data - METADATA)) {
            return false;
        }
        if (packet.offload() != 0) {
            checksum.after(packet);
        }
        return true;
    }

    private boolean keepHeader(int at) {
        MemorySegment room = PacketRoom.buffer(packet);
        long word = NetHeader.offload(room, at);
        int offset = NetHeader.checksumOffset(room, at);
        if (word == headerWord && offset == headerOffset) {
            return true;
        }
        word = following(word);
        if (!NetHeader.isPlausible(word, offset, packet.length())) {
            return false;
        }
        packet.offload(word, offset);
        return true;
    }

    /** What a program wrote to the header; where it says what it said before, that is of the same bytes. */
    private long following(long word) {
        long moved = packet.offload();
        boolean sameStart = NetHeader.checksumStart(word) == NetHeader.checksumStart(headerWord);
        boolean sameLength = NetHeader.headerLength(word) == NetHeader.headerLength(headerWord);
        // The checksum's first byte was cut off: there is nothing to compute any more.
        int gone = sameStart ? NetHeader.flags(headerWord) & ~NetHeader.flags(moved) : 0;
        return NetHeader.offload(NetHeader.flags(word) & ~gone, NetHeader.gsoType(word),
                NetHeader.headerLength(sameLength ? moved : word), NetHeader.gsoSize(word),
                NetHeader.checksumStart(sameStart ? moved : word));
    }
}
