package io.vhost.app.vswitch;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.vhost.app.polling.PortCounters;
import io.vhost.app.polling.PortPrograms;
import io.vhost.driver.DriverConfig;
import io.vhost.driver.DriverPort;
import java.io.IOException;

/**
 * A port of {@code switch} that is the driver of somebody's back-end: another switch, and through it perhaps
 * other machines. It is a port of the switch while the back-end is there, and comes back with it. Threads:
 * any; the thread of the switch that polls it arms.
 */
final class Uplink implements SwitchMember, DriverPort.Listener {
    private static final int PAIR = 0;

    /** Opens a port. */
    interface Opening {
        /** Begins to look for back-ends, and to tell {@code listener} of them. */
        DriverPort open(DriverConfig config, DriverPort.Listener listener) throws IOException;
    }

    private final int number;
    private final String name;
    private final LearningSwitch ethernet;
    private final PortPrograms programs;
    private final Runnable changed;
    private final DriverPort port;
    private final Object lock = new Object();

    /** Null while there is no back-end. */
    private volatile SwitchPort attached;

    /** What was counted with back-ends that are gone. */
    @GuardedBy("lock")
    private PortCounters gone = PortCounters.ZERO;

    /**
     * An uplink that looks for its back-end.
     *
     * @param number of the port
     * @param name of the socket
     * @param ethernet where it is attached
     * @param programs that decide on its packets
     * @param config what to ask back-ends for
     * @param opening of the socket
     * @param changed called after the back-end has come or gone
     * @throws IOException if the socket cannot be had
     */
    Uplink(int number, String name, LearningSwitch ethernet, PortPrograms programs, DriverConfig config,
            Opening opening, Runnable changed) throws IOException {
        this.number = number;
        this.name = name;
        this.ethernet = ethernet;
        this.programs = programs;
        this.changed = changed;
        port = opening.open(config, this);
    }

    @Override
    public void connected(DriverPort connected) {
        synchronized (lock) {
            attached = ethernet.attach(1,
                    _ -> new ProgrammedLink(new UplinkLink(connected), programs));
        }
        changed.run();
    }

    @Override
    public void disconnected(DriverPort left) {
        synchronized (lock) {
            SwitchPort before = attached;
            attached = null;
            ethernet.detach(before);
            gone = gone.plus(before.counters());
        }
        changed.run();
    }

    /** Whether a thread polls it now. */
    boolean isPolledBy(int thread) {
        SwitchPort present = attached;
        return present != null && present.isPolledBy(thread, PAIR);
    }

    /** Becomes readable when packets have come, once {@link #arm} has asked for that. */
    int interruptFd() {
        return port.interruptFd(PAIR);
    }

    /** Asks for an interrupt; whether packets are there already. */
    boolean arm() {
        return port.arm(PAIR);
    }

    /** Asks for no more of them. */
    void disarm() {
        port.disarm(PAIR);
    }

    @Override
    public SwitchPort port() {
        return attached;
    }

    @Override
    public int number() {
        return number;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public PortCounters counters() {
        synchronized (lock) {
            SwitchPort present = attached;
            return present == null ? gone : gone.plus(present.counters());
        }
    }

    @Override
    public boolean copies() {
        return false;
    }

    @Override
    public long inFlight() {
        return 0;
    }

    @Override
    public boolean isConnected() {
        return attached != null;
    }

    /** Leaves the back-end; after the switch's thread has ended. */
    void close() {
        port.close();
    }
}
