package io.vhost.program;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.vhost.device.PacketProgram;
import io.vhost.device.ProgramChain;
import io.vhost.device.ProgramLink;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The places for programs of an application, and the objects that it has loaded, for those who look into it:
 * the monitor's commands, a command line, metrics. Threads: any.
 */
public final class ProgramRegistry {
    private final Object lock = new Object();

    @GuardedBy("lock")
    private final List<ProgramChain> chains = new ArrayList<>();

    @GuardedBy("lock")
    private final Map<String, ProgramObject> objects = new LinkedHashMap<>();

    /** Nothing yet. */
    public ProgramRegistry() {}

    /** Adds a place. */
    public void add(ProgramChain chain) {
        synchronized (lock) {
            chains.add(chain);
        }
    }

    /** Takes a place away whose port is gone. */
    public void remove(ProgramChain chain) {
        synchronized (lock) {
            chains.remove(chain);
        }
    }

    /**
     * Adds an object.
     *
     * @param name under which it is asked for; a number is added if another object has it
     * @return the name that it has now
     */
    public String add(String name, ProgramObject object) {
        synchronized (lock) {
            String free = name;
            for (int i = 2; objects.containsKey(free); i++) {
                free = name + "#" + i;
            }
            objects.put(free, object);
            return free;
        }
    }

    /** {@return the places, in the order in which they were added} */
    public List<ProgramChain> chains() {
        synchronized (lock) {
            return List.copyOf(chains);
        }
    }

    /**
     * {@return a place}
     *
     * @param port its number
     * @param toGuest its direction
     * @throws IllegalArgumentException if there is none
     */
    public ProgramChain chain(int port, boolean toGuest) {
        return chains().stream().filter(chain -> chain.place().port() == port
                        && chain.place().isToGuest() == toGuest).findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no port " + port + "; there are "
                        + chains().stream().map(chain -> chain.place().port()).distinct().toList()));
    }

    /** {@return all programs at all places} */
    public List<ProgramLink> links() {
        return chains().stream().flatMap(chain -> chain.links().stream()).toList();
    }

    /** {@return the objects by name} */
    public Map<String, ProgramObject> objects() {
        synchronized (lock) {
            return new LinkedHashMap<>(objects);
        }
    }

    /** Forgets objects of which no program is at any place. */
    public void forgetUnused() {
        List<PacketProgram> used = links().stream().map(ProgramLink::program).toList();
        synchronized (lock) {
            objects.values().removeIf(object -> object.programs().stream().noneMatch(used::contains));
        }
    }

    /**
     * {@return a map of one of the objects}
     *
     * @param name the map's, or that of the object before it with a colon between, where several have one
     * @throws IllegalArgumentException if there is none, or the name does not tell which
     */
    public ProgramMap map(String name) {
        Map<String, ProgramObject> all = objects();
        List<ProgramMap> found = new ArrayList<>();
        List<String> known = new ArrayList<>();
        all.forEach((object, loaded) -> loaded.maps().forEach((map, held) -> {
            known.add(all.size() == 1 ? map : object + ":" + map);
            if (name.equals(map) || name.equals(object + ":" + map)) {
                found.add(held);
            }
        }));
        if (found.size() != 1) {
            throw new IllegalArgumentException((found.isEmpty() ? "no map " : "several maps ") + name
                    + "; there are " + known);
        }
        return found.getFirst();
    }

    /**
     * {@return a program at a place}
     *
     * @param name the name under which it was attached, alone if no other place has it, else with the port's
     *     number before it and a colon between, as {@code 1:filter} or {@code 1/out:filter}
     * @throws IllegalArgumentException if there is none, or the name does not tell which
     */
    public ProgramLink link(String name) {
        List<ProgramLink> all = links();
        List<ProgramLink> exact = all.stream().filter(link -> name.equals(longName(link))).toList();
        List<ProgramLink> found = exact.isEmpty()
                ? all.stream().filter(link -> name.equals(link.name())).toList() : exact;
        if (found.size() != 1) {
            throw new IllegalArgumentException((found.isEmpty() ? "no program " : "several programs ") + name
                    + "; there are " + all.stream().map(ProgramRegistry::longName).toList());
        }
        return found.getFirst();
    }

    /** {@return what tells a program at a place from all others} */
    public static String longName(ProgramLink link) {
        return link.place().port() + (link.place().isToGuest() ? "/out:" : ":") + link.name();
    }

    /**
     * {@return the object that the program of a link is of}
     *
     * @param link what {@link #link} returned
     * @throws IllegalArgumentException if it is of none that was added here
     */
    public ProgramObject object(ProgramLink link) {
        return objects().values().stream()
                .filter(object -> object.programs().stream().anyMatch(link.program()::equals)).findFirst()
                .orElseThrow(() -> new IllegalArgumentException(link + " is no program of an object"));
    }

    /**
     * Takes a program away from its place.
     *
     * @param link what {@link #link} returned
     */
    public void detach(ProgramLink link) {
        chains().forEach(chain -> chain.detach(link));
        forgetUnused();
    }

    /** {@return the program of a link, if it is one of eBPF} */
    public static Optional<QueueProgram> ebpf(ProgramLink link) {
        return link.program() instanceof QueueProgram program ? Optional.of(program) : Optional.empty();
    }
}
