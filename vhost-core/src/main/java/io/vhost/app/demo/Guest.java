package io.vhost.app.demo;

import io.vhost.app.polling.Idle;
import io.vhost.app.polling.PollingThread;
import io.vhost.driver.DriverConfig;
import io.vhost.driver.VirtioUser;
import java.io.IOException;
import java.nio.file.Path;
import java.util.OptionalInt;

/** A guest in this process: a network card, and one thread that sends and receives. */
final class Guest implements AutoCloseable {
    private final VirtioUser driver;
    private final PollingThread thread;

    private Guest(VirtioUser driver, PollingThread thread) {
        this.driver = driver;
        this.thread = thread;
    }

    /**
     * Connects a guest; nothing is sent before {@link #start}.
     *
     * @param name of its thread
     * @param socket of the back-end
     * @param config its network card
     * @param source what it sends
     * @param sink what checks the packets it receives
     * @throws IOException if the back-end cannot be reached or refuses
     */
    static Guest connect(
            String name, Path socket, DriverConfig config, TrafficSource source, TrafficSink sink)
            throws IOException {
        VirtioUser driver = VirtioUser.connect(socket, config);
        return new Guest(driver, new PollingThread(name, OptionalInt.empty(), Idle.sharing(),
                () -> sink.receive(driver) + source.send(driver)));
    }

    void start() {
        thread.start();
    }

    /** Throws if the guest's thread has failed, or the device has broken a rule. */
    void check() {
        thread.check();
        if (driver.violation() != null) {
            throw new IllegalStateException(
                    "the device broke a rule of the ring: " + driver.violation());
        }
    }

    /** The negotiated feature bits. */
    long features() {
        return driver.features();
    }

    /** Packets that were received and could not be handed out: incomplete or too large. */
    long dropped() {
        return driver.receiveDropped(0);
    }

    /** Ends the thread; the driver's figures can still be asked for. */
    void stop() {
        thread.close();
    }

    @Override
    public void close() {
        thread.close();
        driver.close();
    }
}
