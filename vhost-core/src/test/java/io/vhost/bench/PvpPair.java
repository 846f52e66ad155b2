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
    private static final int BURSTS = 32;
    private static final Duration GLANCE = Duration.ofMillis(20);
    private static final Duration SETTLE = Duration.ofMillis(10);
    private static final int GLANCES = 1500;

    /**
     * What one window showed: packets that came back, or went where none are to come back, and how long the
     * busier polling thread had no CPU.
     */
    record Window(double megaPacketsPerSecond, long delayNanos) {}

    /** Something that ends with the pair and has a process. */
    private record BackEnd(long pid, AutoCloseable program) {}

    private final BackEnd backEnd;
    private final TestPmd frontEnd;

    private final boolean onlySends;

    private PvpPair(BackEnd backEnd, TestPmd frontEnd, boolean onlySends) {
        this.backEnd = backEnd;
        this.frontEnd = frontEnd;
        this.onlySends = onlySends;
        if (onlySends) {
            frontEnd.onlySend();
            frontEnd.start();
        } else {
            frontEnd.startSending(BURSTS);
        }
    }

    /** With DPDK's own back-end. */
    static PvpPair dpdk(Path socket, String virtio, int packetBytes) {
        TestPmd back = TestPmd.backEnd(socket).cpu(BACK_END_CPU).start();
        back.start();
        return new PvpPair(new BackEnd(back.pid(), back), frontEnd(socket, virtio, packetBytes),
                false);
    }

    /**
     * With the back-end that {@code command} starts, which has to listen on {@code socket}.
     *
     * @param onlySends whether the front-end waits for nothing to come back
     */
    static PvpPair of(List<String> command, Path socket, String virtio, int packetBytes, boolean onlySends)
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
        return new PvpPair(new BackEnd(back.pid(), back), frontEnd(socket, virtio, packetBytes), onlySends);
    }

    /** Runs for {@code time} without looking, then stops: compilers and caches warm up. */
    void warmUp(Duration time) {
        proceed();
        pass(time);
        pause();
    }

    /** Runs for {@code time} and a little before, then stops. */
    Window measure(Duration time) {
        proceed();
        pass(SETTLE);
        Map<String, SchedStat> backBefore = SchedStat.ofProcess(backEnd.pid);
        Map<String, SchedStat> frontBefore = SchedStat.ofProcess(frontEnd.pid());
        frontEnd.portCounters();   // the next look shows the rate since this one, by testpmd's own clock
        pass(time);
        Counters counters = frontEnd.portCounters();
        long delay = Math.max(
                SchedStat.delayOfBusiest(backBefore, SchedStat.ofProcess(backEnd.pid)),
                SchedStat.delayOfBusiest(frontBefore, SchedStat.ofProcess(frontEnd.pid())));
        pause();
        long each = onlySends ? counters.sentPerSecond() : counters.receivedPerSecond();
        return new Window(each / 1e6, delay);
    }

    /** The front-end's counters since it was started, all of them. */
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
