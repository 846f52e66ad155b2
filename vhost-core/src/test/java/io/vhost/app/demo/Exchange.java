package io.vhost.app.demo;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.app.Await;
import io.vhost.driver.DriverConfig;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Verified traffic between guests of ours that are connected to somebody's sockets. One thread. */
public final class Exchange implements AutoCloseable {
    public static final long ADDRESS = 0x02_00_00_00_01_00L;

    private final List<DemoFlow> flows = new ArrayList<>();
    private final List<Guest> guests = new ArrayList<>();

    private Exchange() {}

    /** One guest, whose packets come back to it, with their addresses swapped or not. */
    public static Exchange loop(Path socket, DriverConfig config, int size, long packets, boolean swapped)
            throws IOException {
        return loop(socket, config, new TestPattern(ADDRESS + 1, ADDRESS, size), size, packets, swapped);
    }

    /** The same with packets of the shortest length to {@code longest}. */
    public static Exchange loopUpTo(
            int longest, Path socket, DriverConfig config, long packets, boolean swapped) throws IOException {
        TestPattern pattern = new TestPattern(ADDRESS + 1, ADDRESS, TestPattern.MIN_LENGTH, longest);
        return loop(socket, config, pattern, longest, packets, swapped);
    }

    private static Exchange loop(Path socket, DriverConfig config, TestPattern pattern, int longest,
            long packets, boolean swapped) throws IOException {
        Exchange exchange = new Exchange();
        DemoFlow flow =
                exchange.flow(pattern, swapped ? pattern.swapped() : pattern, config, longest, packets);
        exchange.guest(socket, config, flow, flow);
        return exchange;
    }

    /** Two guests that send to each other. */
    public static Exchange between(Path one, Path other, DriverConfig config, int size, long packets)
            throws IOException {
        Exchange exchange = new Exchange();
        TestPattern there = new TestPattern(ADDRESS + 1, ADDRESS, size);
        TestPattern back = new TestPattern(ADDRESS, ADDRESS + 1, size);
        DemoFlow first = exchange.flow(there, there, config, size, packets);
        DemoFlow second = exchange.flow(back, back, config, size, packets);
        exchange.guest(one, config, first, second);
        exchange.guest(other, config, second, first);
        return exchange;
    }

    private DemoFlow flow(
            TestPattern sent, TestPattern received, DriverConfig config, int size, long packets) {
        TrafficSink sink = new TrafficSink(received);
        DemoFlow flow =
                new DemoFlow(
                        "flow " + flows.size(),
                        new TrafficSource(sent, sink, Demo.window(config, size), packets),
                        sink);
        flows.add(flow);
        return flow;
    }

    private void guest(Path socket, DriverConfig config, DemoFlow out, DemoFlow in) throws IOException {
        try {
            guests.add(
                    Guest.connect(
                            "guest " + guests.size(), socket, config, out.source(), in.sink()));
        } catch (IOException e) {
            close();
            throw e;
        }
    }

    public Exchange start() {
        guests.forEach(Guest::start);
        return this;
    }

    /** Packets that have arrived so far; those that the sink is past are counted. */
    public long received() {
        long all = 0;
        for (DemoFlow flow : flows) {
            long next = flow.sink().next();
            long received = flow.sink().received();
            assertTrue(received >= next, () -> received + " packets received, and the next is " + next);
            all += received;
        }
        return all;
    }

    /** Ends the sending. */
    public void stop() {
        flows.forEach(flow -> flow.source().stop());
    }

    /** Waits for the last packet, and checks that all arrived as they were sent. How many. */
    public long finish() {
        Await.until("the last packet arrives", () -> {
            guests.forEach(Guest::check);
            return flows.stream().allMatch(flow -> flow.source().hasEnded() && flow.underway() == 0);
        });
        for (DemoFlow flow : flows) {
            assertEquals(0, flow.sink().corrupted());
            assertEquals(0, flow.sink().disordered());
            assertEquals(flow.source().sent(), flow.sink().received());
            assertTrue(flow.isIntact());
        }
        return received();
    }

    @Override
    public void close() {
        guests.forEach(Guest::close);
    }
}
