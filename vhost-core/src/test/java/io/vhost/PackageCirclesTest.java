package io.vhost;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.ClassFile;
import java.net.URISyntaxException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/**
 * Inside a package no classes use each other in a circle, so that each can be understood after those that
 * it uses; and a package is small enough to be read as a whole. Exceptions stand here, with their reasons.
 */
class PackageCirclesTest {
    /** Public API in which an object and what it belongs to must know each other. */
    private static final Map<Set<String>, String> ALLOWED = Map.of(
            Set.of("net.Packet", "net.PacketPool"),
            "a packet goes back to the pool that it came from",
            Set.of("dma.DmaChannel", "dma.DmaRegistry"),
            "a registry lends out channels, and a channel that is closed goes back to it",
            Set.of("device.VhostDevice", "device.VirtQueue"),
            "a device has queues, and a queue its device");

    private static final int LARGEST = 20;
    private static final Map<String, String> LARGE = Map.of(
            "os", "a class for each thing that the kernel offers, on calls of libc that none else may see",
            "queue", "the parts of one queue, each small, none of use without the others",
            "ring", "two formats with two ends each behind two sealed types");

    @Test
    void noClassesOfAPackageUseEachOtherInACircle() throws IOException, URISyntaxException {
        assertEquals(List.of(), circleFaults(compiled().circles(), ALLOWED, Map.of()));
    }

    @Test
    void noPackageIsTooLarge() throws IOException, URISyntaxException {
        assertEquals(List.of(), sizeFaults(compiled().sizes(), LARGE));
    }

    @Test
    void aCircleIsFound() {
        ClassGraph graph = new ClassGraph(Map.of(
                "p.A", Set.of("p.B"), "p.B", Set.of("p.C"), "p.C", Set.of("p.A", "p.D"), "p.D", Set.of(),
                "p.E", Set.of("p.A")));
        Set<String> circle = Set.of("p.A", "p.B", "p.C");
        assertEquals(Set.of(circle), graph.circles());
        assertEquals(List.of("circle of [p.A, p.B, p.C]"), circleFaults(graph.circles(), Map.of(), Map.of()));
        assertEquals(List.of(), circleFaults(graph.circles(), Map.of(circle, "reason"), Map.of()));
        assertEquals(List.of("circle of [p.A, p.B, p.C]"),
                circleFaults(graph.circles(), Map.of(Set.of("p.A", "p.B"), "reason"), Map.of()));
        assertEquals(List.of(),
                circleFaults(graph.circles(), Map.of(), Map.of(Set.of("p.A", "p.B", "p.C", "p.E"), "cut")));
    }

    @Test
    void aStaleEntryIsReported() {
        Map<Set<String>, String> table = Map.of(Set.of("p.A", "p.B"), "reason");
        assertEquals(List.of("no circle any more, remove [p.A, p.B]"),
                circleFaults(Set.of(), table, Map.of()));
        assertEquals(List.of("no circle any more, remove [p.A, p.B]"),
                circleFaults(Set.of(), Map.of(), table));
        assertEquals(List.of("no longer above 20, remove p"),
                sizeFaults(Map.of("p", 20), Map.of("p", "reason")));
    }

    @Test
    void aLargePackageIsFound() {
        assertEquals(List.of("p has 21 classes, may have 20"), sizeFaults(Map.of("p", 21), Map.of()));
        assertEquals(List.of(), sizeFaults(Map.of("p", 21), Map.of("p", "reason")));
        assertEquals(Map.of("p", 2, "p.q", 1),
                new ClassGraph(Map.of("p.A", Set.of(), "p.B", Set.of(), "p.q.C", Set.of())).sizes());
    }

    @Test
    void permittingAClassIsNoUseOfIt() throws IOException {
        assertFalse(references(Permitting.class).contains(internalName(Permitted.class)));
        assertTrue(references(Making.class).contains(internalName(Made.class)));
        assertTrue(references(Permitted.class).contains(internalName(Permitting.class)));
    }

    @Test
    void descriptorsAndSignaturesAreUses() throws IOException {
        assertTrue(references(Mentioning.class).contains(internalName(Made.class)));
        assertTrue(references(Mentioning.class).contains(internalName(Permitted.class)));
    }

    /** A sealed parent that leaves it at that. */
    abstract static sealed class Permitting permits Permitted {
    }

    static final class Permitted extends Permitting {
    }

    /** A sealed parent that knows what to do with its child. */
    abstract static sealed class Making permits Made {
        static boolean isMade(Object object) {
            return object instanceof Made;
        }
    }

    static final class Made extends Making {
    }

    interface Mentioning {
        Made made();

        List<Permitted> permitted();
    }

    private static Set<String> references(Class<?> type) throws IOException {
        try (InputStream stream = type.getResourceAsStream("/" + internalName(type) + ".class")) {
            return ClassGraph.references(ClassFile.of().parse(stream.readAllBytes()));
        }
    }

    private static String internalName(Class<?> type) {
        return type.getName().replace('.', '/');
    }

    private static ClassGraph compiled() throws IOException, URISyntaxException {
        ClassGraph graph = ClassGraph.read(CompiledClasses.directory());
        assertFalse(graph.uses().isEmpty());
        return graph;
    }

    private static List<String> circleFaults(Set<Set<String>> circles, Map<Set<String>, String> allowed,
            Map<Set<String>, String> beingCut) {
        List<String> faults = new ArrayList<>();
        for (Set<String> circle : circles) {
            boolean known = allowed.containsKey(circle)
                    || beingCut.keySet().stream().anyMatch(whole -> whole.containsAll(circle));
            if (!known) {
                faults.add("circle of " + new TreeSet<>(circle));
            }
        }
        for (Set<String> entry : allowed.keySet()) {
            if (circles.stream().noneMatch(circle -> circle.containsAll(entry))) {
                faults.add("no circle any more, remove " + new TreeSet<>(entry));
            }
        }
        for (Set<String> entry : beingCut.keySet()) {
            if (circles.stream().noneMatch(
                    circle -> entry.containsAll(circle) && !allowed.containsKey(circle))) {
                faults.add("no circle any more, remove " + new TreeSet<>(entry));
            }
        }
        return faults;
    }

    private static List<String> sizeFaults(Map<String, Integer> sizes, Map<String, String> large) {
        List<String> faults = new ArrayList<>();
        new TreeMap<>(sizes).forEach((name, size) -> {
            if (size > LARGEST && !large.containsKey(name)) {
                faults.add(name + " has " + size + " classes, may have " + LARGEST);
            }
        });
        large.keySet().stream().filter(name -> sizes.getOrDefault(name, 0) <= LARGEST).sorted()
                .forEach(name -> faults.add("no longer above " + LARGEST + ", remove " + name));
        return faults;
    }
}
