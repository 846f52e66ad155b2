package io.vhost.metrics;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.vhost.state.QueueCounters.Counter;
import io.vhost.state.RingViolation;
import java.lang.management.ManagementFactory;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import javax.management.InstanceAlreadyExistsException;
import javax.management.InstanceNotFoundException;
import javax.management.JMException;
import javax.management.MBeanServer;
import javax.management.MalformedObjectNameException;
import javax.management.ObjectName;

/**
 * The figures of ports and queues as beans of the JVM's own JMX server:
 * {@code io.vhost:type=Port,name="..."}, and {@code io.vhost:type=Queue,port="...",queue=N} from the first
 * front-end on.
 *
 * <p>Threads: any.
 */
public final class JmxBeans implements AutoCloseable, PortAccounts.Watcher {
    private final MBeanServer server = ManagementFactory.getPlatformMBeanServer();
    private final PortAccounts accounts;
    private final Supplier<List<PortTraffic>> traffic;

    @GuardedBy("this")
    private final Set<ObjectName> names = new HashSet<>();

    @GuardedBy("this")
    private boolean closed;

    private JmxBeans(PortAccounts accounts, Supplier<List<PortTraffic>> traffic) {
        this.accounts = accounts;
        this.traffic = traffic;
    }

    /**
     * Registers beans for these ports, and for their queues as they appear.
     *
     * @param accounts of the ports
     * @param traffic what the application counts at ports; asked on the threads of JMX
     * @throws IllegalStateException if there are such beans already
     */
    public static JmxBeans register(PortAccounts accounts, Supplier<List<PortTraffic>> traffic) {
        JmxBeans beans = new JmxBeans(accounts, traffic);
        traffic.get().forEach(port -> beans.added(port.port()));
        accounts.add(beans);
        accounts.read().forEach(port -> beans.appeared(port.port(), port.queues().size()));
        return beans;
    }

    @Override
    public void added(String port) {
        register("type=Port,name=" + ObjectName.quote(port),
                new FigureBean("A port of the switch or forwarder", () -> port(port)));
    }

    @Override
    public synchronized void removed(String port) {
        String quoted = ObjectName.quote(port);
        names.removeIf(name -> {
            boolean ofPort = quoted.equals(name.getKeyProperty("name"))
                    || quoted.equals(name.getKeyProperty("port"));
            if (ofPort) {
                unregister(name);
            }
            return ofPort;
        });
    }

    @Override
    public void appeared(String port, int queues) {
        for (int i = 0; i < queues; i++) {
            int index = i;
            register("type=Queue,port=" + ObjectName.quote(port) + ",queue=" + i,
                    new FigureBean("A queue of a port", () -> queue(port, index)));
        }
    }

    private synchronized void register(String properties, FigureBean bean) {
        try {
            ObjectName name = new ObjectName("io.vhost:" + properties);
            if (!closed && names.add(name)) {
                server.registerMBean(bean, name);
            }
        } catch (InstanceAlreadyExistsException e) {
            throw new IllegalStateException("there is a bean " + properties + " already", e);
        } catch (MalformedObjectNameException e) {
            throw new AssertionError(e);   // it is quoted
        } catch (JMException e) {
            throw new IllegalStateException(e);
        }
    }

    private Map<String, Long> port(String name) {
        Map<String, Long> figures = new LinkedHashMap<>();
        for (PortTraffic port : traffic.get()) {
            if (port.port().equals(name)) {
                figures.put("Up", port.connected() ? 1L : 0L);
                figures.put("RxPackets", port.rxPackets());
                figures.put("RxBytes", port.rxBytes());
                figures.put("TxPackets", port.txPackets());
                figures.put("TxBytes", port.txBytes());
                figures.put("DroppedPackets", port.droppedPackets());
                figures.put("DroppedBytes", port.droppedBytes());
            }
        }
        for (PortReading port : accounts.read()) {
            if (port.port().equals(name)) {
                figures.put("Connections", port.connections());
                figures.put("Connected", (long) port.connected());
            }
        }
        return figures;
    }

    private Map<String, Long> queue(String name, int index) {
        Map<String, Long> figures = new LinkedHashMap<>();
        for (PortReading port : accounts.read()) {
            if (port.port().equals(name)) {
                QueueReading queue = port.queues().get(index);
                for (Counter counter : Counter.values()) {
                    figures.put(attribute(counter.name()), queue.get(counter));
                }
                for (RingViolation violation : RingViolation.values()) {
                    figures.put("Violation" + attribute(violation.name()), queue.get(violation));
                }
                figures.put("InFlight", queue.inFlight());
                figures.put("LockHolds", queue.lockAcquired());
                figures.put("LockWaiters", (long) queue.lockWaiters());
                figures.put("LockLongestHoldNanos", queue.lockLongestHold());
            }
        }
        return figures;
    }

    /** {@code NO_ROOM} is the attribute NoRoom. */
    private static String attribute(String constant) {
        StringBuilder name = new StringBuilder();
        for (String word : constant.split("_", -1)) {
            name.append(word.charAt(0)).append(word.substring(1).toLowerCase(Locale.ROOT));
        }
        return name.toString();
    }

    /** Takes the beans away; none appears any more. */
    @Override
    public synchronized void close() {
        closed = true;
        names.forEach(this::unregister);
        names.clear();
    }

    private void unregister(ObjectName name) {
        try {
            server.unregisterMBean(name);
        } catch (InstanceNotFoundException _) {
            // Somebody has done that already.
        } catch (JMException e) {
            throw new IllegalStateException(e);
        }
    }
}
