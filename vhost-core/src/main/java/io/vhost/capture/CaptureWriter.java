package io.vhost.capture;

import io.vhost.memory.NativeCopy;
import io.vhost.os.Errno;
import io.vhost.os.OsException;
import io.vhost.os.OutputFile;
import io.vhost.pcap.CaptureFormat;
import io.vhost.pcap.PcapngBuffer;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.concurrent.locks.LockSupport;

/** Takes what polling threads have recorded, and writes it. Thread: its own, which this runs on. */
final class CaptureWriter implements Runnable {
    private static final byte[] APPLICATION = PcapngBuffer.text("vhost");
    private static final int BLOCKS = 1 << 20;
    private static final int MESSAGES = 256;
    /** Idle rounds of {@link #SHORT} before those of {@link #LONG}, in ns. */
    private static final int SHORT_ROUNDS = 200;
    private static final long SHORT = 500_000;
    private static final long LONG = 5_000_000;
    private static final long READER = 20_000_000;

    private final CaptureEvents capture;
    private final Path path;
    private final CaptureBuffer buffer;
    private final MemorySegment records;
    private final CaptureOptions options;
    private final CaptureOutput output;
    private final byte[] filter;
    private final PcapngBuffer blocks = new PcapngBuffer(BLOCKS);
    private final OffloadText offloads = new OffloadText();
    private final WallClock clock = new WallClock();
    private final long begin = clock.now();

    private int interfaces;
    private int packets;
    private int idle;
    /** The reader of the pipe has gone. */
    private boolean gone;
    /** Why the file cannot be written any more; null: it can, or nobody waits for it. */
    private OsException broken;

    CaptureWriter(CaptureEvents capture, Path path, CaptureBuffer buffer, CaptureOptions options,
            CaptureOutput output) {
        this.capture = capture;
        this.path = path;
        this.buffer = buffer;
        this.records = buffer.memory();
        this.options = options;
        this.output = output;
        filter = PcapngBuffer.text(options.filterName());
    }

    @Override
    public void run() {
        try {
            if (output.isOpen()) {
                begin();
            }
            while (step()) {
                clock.look();
            }
            finish();
            if (broken != null) {
                throw broken;
            }
            capture.over(CaptureState.ENDED, null);
        } catch (OsException e) {
            failed(e.getMessage());
        } catch (RuntimeException | Error e) {
            failed(e.toString());
            throw e;
        } finally {
            output.close();
        }
    }

    private void failed(String reason) {
        output.close();
        capture.detachAll();
        discard();
        capture.over(CaptureState.FAILED, reason);
    }

    /** Does what there is to do, or waits a moment; false: it was all. */
    private boolean step() {
        if (broken != null) {
            throw broken;
        }
        if (gone) {
            readerGone();
        }
        if (!output.isOpen()) {
            return awaitReader();
        }
        if (drain() > 0) {
            idle = 0;
            return true;
        }
        for (CapturedQueue queue : capture.queues()) {
            // Whoever reads a pipe learns of queues before their first packet.
            if (queue.isNew() && output.isOpen()) {
                describe(queue);
            }
        }
        flush();
        if (!output.isOpen()) {
            return true;
        }
        if (capture.isEnding() && buffer.isEmpty()) {
            return false;
        }
        gone = !output.hasReader();
        if (!gone) {
            LockSupport.parkNanos(this, ++idle < SHORT_ROUNDS ? SHORT : LONG);
        }
        return true;
    }

    private boolean awaitReader() {
        if (capture.isEnding()) {
            discard();
            return false;
        }
        if (!OutputFile.isPipe(path)) {
            // A pipe that was removed never has a reader.
            discard();
            return false;
        }
        if (output.openPipe()) {
            begin();
        } else {
            LockSupport.parkNanos(this, READER);
        }
        return true;
    }

    /** A file, or a reader of the pipe, begins. */
    private void begin() {
        section();
        flush();
        if (output.isOpen()) {
            capture.recording();
        }
    }

    private void section() {
        interfaces = 0;
        packets = 0;
        blocks.section(APPLICATION);
        for (CapturedQueue queue : capture.queues()) {
            queue.forgetNumber();
            describe(queue);
        }
    }

    private void describe(CapturedQueue queue) {
        if (blocks.room() < PcapngBuffer.descriptionLength(queue.name(), filter, queue.comment())) {
            flush();
        }
        queue.number(interfaces++);
        blocks.describe(CaptureFormat.ETHERNET, options.snapLength(), queue.name(), filter, queue.comment());
    }

    private int drain() {
        int messages = 0;
        for (int bytes = buffer.next(); bytes > 0 && messages < MESSAGES; bytes = buffer.next()) {
            long end = buffer.offset() + bytes;
            long at = buffer.offset() + CaptureBuffer.HEADER;
            while (at < end) {
                int captured = records.get(ValueLayout.JAVA_INT, at + PacketTap.CAPTURED);
                record(at, captured);
                at += PacketTap.BYTES + CaptureBuffer.aligned(captured);
            }
            buffer.release(bytes);
            messages++;
        }
        return messages;
    }

    private void record(long at, int captured) {
        CapturedQueue queue = capture.queues().get(records.get(ValueLayout.JAVA_INT, at + PacketTap.QUEUE));
        byte[] comment = offloads.of(records.get(ValueLayout.JAVA_LONG, at + PacketTap.OFFLOAD),
                records.get(ValueLayout.JAVA_INT, at + PacketTap.CHECKSUM_OFFSET));
        int length = PcapngBuffer.packetLength(captured, comment);
        if (output.isOpen() && isFull(queue, length)) {
            rotate();
        }
        if (output.isOpen() && queue.isNew()) {
            describe(queue);
        }
        if (output.isOpen() && blocks.room() < length) {
            flush();
        }
        if (!output.isOpen()) {
            queue.drop();
            return;
        }
        long time = clock.of(records.get(ValueLayout.JAVA_LONG, at + PacketTap.TIME));
        long position = blocks.packet(queue.number(), time, captured,
                records.get(ValueLayout.JAVA_INT, at + PacketTap.LENGTH));
        NativeCopy.copy(records, at + PacketTap.BYTES, blocks.memory(), position, captured);
        blocks.endPacket(queue.isToGuest() ? PcapngBuffer.OUTBOUND : PcapngBuffer.INBOUND, queue.pair(),
                comment);
        queue.addPending();
        packets++;
    }

    /** Whether the file would be too large with a packet, and the statistics at its end. */
    private boolean isFull(CapturedQueue queue, int length) {
        if (options.fileSize() == 0 || packets == 0) {
            return false;
        }
        long more = length + (long) interfaces * PcapngBuffer.STATISTICS;
        if (queue.isNew()) {
            more += PcapngBuffer.descriptionLength(queue.name(), filter, queue.comment())
                    + PcapngBuffer.STATISTICS;
        }
        return output.bytes() + blocks.length() + more > options.fileSize();
    }

    private void rotate() {
        finish();
        if (output.isOpen()) {
            output.close();
            try {
                boolean _ = output.open();
                section();
            } catch (OsException e) {
                broken = e;
            }
        }
    }

    /** Tells in the file what became of the packets. */
    private void finish() {
        if (!output.isOpen()) {
            return;
        }
        flush();
        long now = clock.now();
        for (CapturedQueue queue : capture.queues()) {
            if (output.isOpen() && !queue.isNew()) {
                if (blocks.room() < PcapngBuffer.STATISTICS) {
                    flush();
                }
                QueueCapture counters = queue.counters();
                blocks.statistics(queue.number(), begin, now, counters.seen(), counters.accepted(),
                        counters.dropped(), counters.written());
            }
        }
        flush();
    }

    private void flush() {
        if (!output.isOpen() || blocks.length() == 0) {
            return;
        }
        long length = blocks.length();
        long whole = output.write(blocks);
        settle(whole, length);
        blocks.clear();
        if (whole == length) {
            return;
        }
        // What there is to do about it is done between messages.
        OsException failure = output.failure();
        gone = failure != null && failure.errno() == Errno.EPIPE;
        broken = gone ? null : failure;
        output.close();
    }

    /** Counts the packets of the buffer as written, but for those of its end that are not. */
    private void settle(long whole, long length) {
        int[] lost = new int[whole == length ? 0 : interfaces];
        blocks.packets(whole, length, number -> lost[number]++);
        for (CapturedQueue queue : capture.queues()) {
            if (queue.pending() > 0) {
                queue.settle(lost.length == 0 ? 0 : lost[queue.number()]);
            }
        }
    }

    /** Whoever read the pipe has gone; there may be another. */
    private void readerGone() {
        gone = false;
        output.close();
        capture.waiting();
        discard();
        buffer.open();
        if (capture.isEnding()) {
            buffer.close();
        }
    }

    /** Throws away what nobody gets any more, until nothing comes. */
    private void discard() {
        blocks.clear();
        for (CapturedQueue queue : capture.queues()) {
            queue.settle(queue.pending());
        }
        buffer.close();
        while (!buffer.isEmpty()) {
            if (drain() == 0) {
                LockSupport.parkNanos(this, SHORT);
            }
        }
    }
}
