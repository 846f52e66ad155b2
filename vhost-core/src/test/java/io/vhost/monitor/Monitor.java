package io.vhost.monitor;

import io.vhost.monitor.command.Command;
import io.vhost.monitor.command.Type;
import io.vhost.monitor.dialogue.CommandTable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;

/**
 * A monitor with commands for tests: one that is slow, one with a large answer, one that returns what it is
 * given.
 */
public final class Monitor implements AutoCloseable {
    static final int LARGE = 207_000;

    public final MonitoredDevices devices = new MonitoredDevices();
    public final MonitorServer server;
    public final Semaphore release = new Semaphore(0);
    public final CountDownLatch began = new CountDownLatch(1);
    public final AtomicInteger slowRuns = new AtomicInteger();
    /** Commands that run and do nothing, with what they were given. */
    final AtomicInteger holding = new AtomicInteger();
    private final MonitorConfig config;
    private final String large = "x".repeat(LARGE);

    public Monitor(Path path, UnaryOperator<MonitorConfig.Builder> wishes) {
        config = wishes.apply(MonitorConfig.builder()
                .devices(devices)
                .command(Command.named("x-slow").returns(Type.STRING).runs(_ -> slow()))
                .command(Command.named("x-hold").argument("value", Type.STRING).runs(_ -> hold()))
                .command(Command.named("x-large").returns(Type.STRING).runs(_ -> large))
                .command(Command.named("x-echo").argument("value", Type.ANY).returns(Type.ANY)
                        .runs(arguments -> arguments.any("value")))
                .command(Command.named("x-change").mutating().runs(_ -> null))
                .command(Command.named("x-fails").runs(_ -> {
                    throw new IllegalStateException("a fault");
                })))
                .build();
        try {
            server = MonitorServer.listen(path, config);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The same commands as the server's, without its clients. */
    CommandTable commands() {
        return new BuiltIn(config.subject(server.path()), List::of, _ -> { }, config::table).commands();
    }

    private Object slow() {
        slowRuns.incrementAndGet();
        began.countDown();
        release.acquireUninterruptibly();
        return "slow";
    }

    private Object hold() {
        holding.incrementAndGet();
        release.acquireUninterruptibly();
        holding.decrementAndGet();
        return null;
    }

    @Override
    public void close() {
        release.release(1000);
        server.close();
    }
}
