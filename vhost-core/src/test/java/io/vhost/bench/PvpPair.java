package io.vhost.bench;

import io.vhost.peer.Counters;
import io.vhost.peer.Program;
import io.vhost.peer.TestPmd;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * A back-end on one CPU, and DPDK's virtio-user on another that sends packets and gets them back.
 * Stopped but for the windows in which it is measured. One thread at a time.
 */
final class PvpPair implements AutoCloseable {
    static final int BACK_END_CPU = 0;
    static final int FRONT_END_CPU = 1;
    /** How long a side may be without its CPU in a window that counts, in ns. */
    static final long DELAY_LIMIT = 4_000_000;
    private static final int BURSTS = 32;
    private static final Duration GLANCE = Duration.ofMillis(20);
    private static final Duration SETTLE = Duration.ofMillis(10);
    private static final int GLANCES = 1500;

    /**
     * What one window showed: packets that came back, or went where none are to come back, and how long the
     * busier polling thread had no CPU.
     *
     * @param megaPacketsPerSecond packets in a microsecond
     * @param delayNanos of the busier thread, in ns
     * @param recorded whether testpmd recorded bursts and cycles, which costs time
     * @param front what the front-end did, unknown unless recorded
     * @param back what the back-end did, unknown unless recorded, and always of one that is not testpmd
     */
    record Window(double megaPacketsPerSecond, long delayNanos, boolean recorded,
            ForwardStats front, ForwardStats back) {
        Window(double megaPacketsPerSecond, long delayNanos) {
            this(megaPacketsPerSecond, delayNanos, false, ForwardStats.UNKNOWN, ForwardStats.UNKNOWN);
        }

        /** Whether a side lacked its CPU for too long for the window to tell anything. */
        boolean robbed() {
            return delayNanos > DELAY_LIMIT;
        }

        /** Which side was the limit, unknown where it lacked its CPU or nothing was recorded. */
        ForwardStats.Bottleneck bottleneck() {
            return robbed() ? ForwardStats.Bottleneck.UNKNOWN : ForwardStats.bottleneck(front, back);
        }
    }

    /** Which way packets go. */
    enum Direction {
        /** To the back-end and back. */
        LOOP("io", "io"),
        /** From the front-end only; DPDK's back-end drops them. */
        SEND("txonly", "rxonly"),
        /** To the front-end only, which drops them; the back-end makes them. */
        RECEIVE("rxonly", "txonly");

        private final String frontMode;
        private final String backMode;

        Direction(String frontMode, String backMode) {
            this.frontMode = frontMode;
            this.backMode = backMode;
        }
    }

    /**
     * Something that ends with the pair and has a process.
     *
     * @param testPmd the same where it is one, or null
     */
    private record BackEnd(long pid, AutoCloseable program, TestPmd testPmd) {}

    private final BackEnd backEnd;
    private final TestPmd frontEnd;
    private boolean recording;

    private final Direction direction;

    private PvpPair(BackEnd backEnd, TestPmd frontEnd, Direction direction) {
        this.backEnd = backEnd;
        this.frontEnd = frontEnd;
        this.direction = direction;
        if (direction == Direction.LOOP) {
            frontEnd.startSending(BURSTS);
        } else {
            frontEnd.mode(direction.frontMode);
            frontEnd.start();
        }
    }

    /** With DPDK's own back-end. */
    static PvpPair dpdk(Path socket, String virtio, int packetBytes, Direction direction)
            throws IOException {
        // One that was killed has left its socket, and DPDK does not listen on a path that is taken.
        Files.deleteIfExists(socket);
        TestPmd back = TestPmd.backEnd(socket).cpu(BACK_END_CPU).mode(direction.backMode)
                .packetBytes(packetBytes).start();
        back.start();
        return new PvpPair(new BackEnd(back.pid(), back, back), frontEnd(socket, virtio, packetBytes),
                direction);
    }

    /**
     * With the back-end that {@code command} starts, which has to listen on {@code socket}.
     *
     * @param direction which way packets go; one that only receives needs a command that makes them
     */
    static PvpPair of(
            List<String> command, Path socket, String virtio, int packetBytes, Direction direction)
            throws IOException {
        // A file that an earlier pair has left would look like a back-end that listens already.
        Files.deleteIfExists(socket);
        Program back = Program.start(command);
        for (int i = 0; !Files.exists(socket); i++) {
            if (back.ended(GLANCE) || i == GLANCES) {
                back.close();
                throw new IllegalStateException("nobody listens on " + socket + "\n" + back.output());
            }
        }
        return new PvpPair(new BackEnd(back.pid(), back, null), frontEnd(socket, virtio, packetBytes),
                direction);
    }

    /** Runs for {@code time} without looking, then stops: compilers and caches warm up. */
    void warmUp(Duration time) {
        proceed();
        pass(time);
        pause();
    }

    /**
     * Runs for {@code time} and a little before, then stops.
     *
     * @param recorded whether testpmd records bursts and cycles meanwhile; it is slower then
     */
    Window measure(Duration time, boolean recorded) {
        proceed();
        record(recorded);
        pass(SETTLE);
        Map<String, SchedStat> backBefore = SchedStat.ofProcess(backEnd.pid);
        Map<String, SchedStat> frontBefore = SchedStat.ofProcess(frontEnd.pid());
        frontEnd.portCounters();   // the next look shows the rate since this one, by testpmd's own clock
        clearStats(recorded);
        pass(time);
        Counters counters = frontEnd.portCounters();
        ForwardStats front = stats(frontEnd, recorded);
        ForwardStats back = stats(backEnd.testPmd, recorded);
        long delay = Math.max(
                SchedStat.delayOfBusiest(backBefore, SchedStat.ofProcess(backEnd.pid)),
                SchedStat.delayOfBusiest(frontBefore, SchedStat.ofProcess(frontEnd.pid())));
        pause();
        long each = direction == Direction.SEND ? counters.sentPerSecond() : counters.receivedPerSecond();
        return new Window(each / 1e6, delay, recorded, front, back);
    }

    private void record(boolean on) {
        if (on != recording) {
            recording = on;
            for (TestPmd side : testPmds()) {
                side.command("set record-core-cycles " + (on ? "on" : "off"), "");
                side.command("set record-burst-stats " + (on ? "on" : "off"), "");
            }
        }
    }

    private void clearStats(boolean recorded) {
        if (recorded) {
            for (TestPmd side : testPmds()) {
                side.command("clear fwd stats all", "");
            }
        }
    }

    private static ForwardStats stats(TestPmd side, boolean recorded) {
        return recorded && side != null
                ? ForwardStats.parse(side.command("show fwd stats all", "Accumulated"))
                : ForwardStats.UNKNOWN;
    }

    private List<TestPmd> testPmds() {
        return backEnd.testPmd == null ? List.of(frontEnd) : List.of(frontEnd, backEnd.testPmd);
    }

    /** The front-end's counters since it was started, or since the last recorded window began. */
    Counters total() {
        proceed();
        frontEnd.stop();
        return frontEnd.forwardCounters();
    }

    @Override
    public void close() {
        proceed();
        frontEnd.close();
        try {
            backEnd.program.close();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    private static TestPmd frontEnd(Path socket, String virtio, int packetBytes) {
        return TestPmd.frontEnd(socket).cpu(FRONT_END_CPU).device(virtio).packetBytes(packetBytes).start();
    }

    private void pass(Duration time) {
        if (frontEnd.ended(time)) {
            throw new IllegalStateException("the front-end ended\n" + frontEnd.output());
        }
    }

    private void proceed() {
        Program.signal("CONT", backEnd.pid, frontEnd.pid());
    }

    private void pause() {
        Program.signal("STOP", backEnd.pid, frontEnd.pid());
    }
}
