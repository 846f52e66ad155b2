package io.vhost.device;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.atomic.LongAdder;

/**
 * The programs of a port in one direction, in the order of their priorities, each asked about the packets
 * that the one before let pass: what libxdp's dispatcher does for a network device. Give it to the port's
 * queues with {@link VirtQueue#programs(ProgramChain)}; it outlives their devices.
 *
 * <p>Threads: any. Programs are attached, replaced and detached while packets pass: a burst ends with what it
 * began.
 *
 * <p>Every packet that does not go on is counted, by its verdict with the {@link ProgramLink}, and here if it
 * was to go elsewhere and could not.
 */
public final class ProgramChain {
    /** Priority unless told otherwise, as libxdp's. */
    public static final int DEFAULT_PRIORITY = 50;

    private static final Logger LOG = System.getLogger("io.vhost.device");
    private static final ProgramLink[] NONE = {};
    private static final int MAX_LINKS = 64;

    private final ProgramPlace place;
    private final PacketPorts ports;
    private final LongAdder transmitFailures = new LongAdder();
    private final LongAdder redirectFailures = new LongAdder();
    private final LongAdder noPort = new LongAdder();
    private final OncePerSecond log = new OncePerSecond();
    private final Object lock = new Object();

    /** Replaced under the lock. */
    @GuardedBy("lock")
    private ProgramLink[] links = NONE;
    /** The same, for bursts. */
    private volatile ProgramLink[] present = NONE;

    private ProgramChain(ProgramPlace place, PacketPorts ports) {
        this.place = place;
        this.ports = Objects.requireNonNull(ports, "ports");
    }

    /**
     * A place for programs on packets that come from a guest, after the library has taken them.
     *
     * @param name of the port, for people
     * @param port its number, 1 or more: what XDP programs read as {@code ingress_ifindex}
     * @param ports where packets can be redirected to
     */
    public static ProgramChain fromGuest(String name, int port, PacketPorts ports) {
        return new ProgramChain(new ProgramPlace(name, port, false), ports);
    }

    /**
     * A place for programs on packets that go to a guest, before they are sent. They pass or drop: as in
     * Linux at the exit of a device, what would lead elsewhere is dropped, as {@link Verdict#ABORTED}.
     *
     * @param name of the port, for people
     * @param port its number, 1 or more
     */
    public static ProgramChain toGuest(String name, int port) {
        return new ProgramChain(new ProgramPlace(name, port, true), PacketPorts.NONE);
    }

    /** {@return the port and the direction} */
    public ProgramPlace place() {
        return place;
    }

    PacketPorts ports() {
        return ports;
    }

    /**
     * Attaches a program with {@link #DEFAULT_PRIORITY}, after others of that priority.
     *
     * @param program its name here, no other link's
     * @param code what it does
     * @throws IllegalArgumentException as the other form
     */
    public ProgramLink attach(String program, PacketProgram code) {
        return attach(program, code, DEFAULT_PRIORITY, EnumSet.of(Verdict.PASS));
    }

    /**
     * Attaches a program. It works from the next burst on.
     *
     * @param program its name here, no other link's
     * @param code what it does
     * @param priority lower ones run first; of equal ones that which came first
     * @param goesOn verdicts after which the next program is asked, and decides instead; usually only
     *     {@link Verdict#PASS}
     * @throws IllegalArgumentException if there is a program of this name, there are 64, or it cannot work
     *     here
     */
    public ProgramLink attach(String program, PacketProgram code, int priority, Set<Verdict> goesOn) {
        Objects.requireNonNull(program, "program");
        Objects.requireNonNull(code, "code").checkPlace(place);
        ProgramLink link = new ProgramLink(place, program, code, priority, goesOn);
        synchronized (lock) {
            if (Arrays.stream(links).anyMatch(other -> other.name().equals(program))) {
                throw new IllegalArgumentException("there is a program " + program + " at " + place.name()
                        + "; replace it, or give this one another name");
            }
            if (links.length == MAX_LINKS) {
                throw new IllegalArgumentException("there are " + MAX_LINKS + " programs at " + place.name()
                        + "; detach one");
            }
            List<ProgramLink> all = new ArrayList<>(List.of(links));
            all.add(link);
            // Stable: of equal priorities the first to come is the first to run.
            all.sort(Comparator.comparingInt(ProgramLink::priority));
            links = all.toArray(ProgramLink[]::new);
            present = links;
        }
        code.attached(place);
        return link;
    }

    /**
     * Takes a program away. A burst that runs ends with it. A second time has no effect.
     *
     * @param link what {@link #attach} returned
     */
    public void detach(ProgramLink link) {
        synchronized (lock) {
            links = Arrays.stream(links).filter(other -> !other.equals(link)).toArray(ProgramLink[]::new);
            present = links;
        }
    }

    /** {@return the programs, in the order in which they run} */
    public List<ProgramLink> links() {
        return List.of(present);
    }

    /** Those of this moment; not to be changed. */
    ProgramLink[] present() {
        return present;
    }

    /** {@return packets that were to go back to their guest, which had no room or took no more} */
    public long transmitFailures() {
        return transmitFailures.sum();
    }

    /** {@return packets that were redirected to a port which had no room, or failed} */
    public long redirectFailures() {
        return redirectFailures.sum();
    }

    /** {@return packets that were redirected to a port which there is not} */
    public long noPort() {
        return noPort.sum();
    }

    void countTransmitFailures(int packets) {
        transmitFailures.add(packets);
    }

    void countRedirectFailures(int packets) {
        redirectFailures.add(packets);
    }

    void countNoPort(int packets) {
        noPort.add(packets);
    }

    /** The queue back to the guest, or the application's ports, have thrown instead of sending packets. */
    void wayFailed(boolean isBack, int port, int packets, RuntimeException e) {
        (isBack ? transmitFailures : redirectFailures).add(packets);
        if (log.isDue()) {
            LOG.log(Level.WARNING, () -> packets + " packets of " + place.name() + " could not be sent "
                    + (isBack ? "back" : "to port " + port) + ", and are dropped", e);
        }
    }

    @Override
    public String toString() {
        return place + ": " + links();
    }
}
