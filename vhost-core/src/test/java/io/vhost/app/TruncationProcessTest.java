package io.vhost.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.vhost.driver.DriverConfig;
import io.vhost.driver.VirtioUser;
import io.vhost.net.Packet;
import io.vhost.peer.MainProcess;
import io.vhost.peer.Program;
import io.vhost.peer.RawFrontend;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Front-ends that take away the memory which they share, from the command line's programs in processes of
 * their own: none ends, and a neighbour loses nothing. {@code -Dtruncation.processes} says how many processes
 * are attacked, each with what comes next of compilers and programs; up to 20 meet all attacks, more one
 * each, on three connections.
 */
@Tag("slow")
class TruncationProcessTest {
    private static final int SHORT = 20;
    private static final int PROCESSES = Integer.getInteger("truncation.processes", SHORT);
    private static final long SEED = Long.getLong("truncation.seed", 12);
    private static final int CONNECTIONS = 25;
    private static final int TOGGLES = 300;
    /** Within this time of the handshake the errors came late. */
    private static final int DELAY_NANOS = 200_000_000;

    private static final List<List<String>> COMPILERS = MainProcess.compilers();
    private static final List<List<String>> PROGRAMS = List.of(
            List.of("forward"),
            List.of("switch"),
            List.of("forward", "--async", "--dma", "worker", "--guard-memory"),
            List.of("forward", "--async", "--dma", "inline"),
            List.of("switch", "--async"));

    @TempDir
    private Path directory;

    /** What is done to a process, by several connections one after another. */
    private enum Attack {
        IDLE_RINGS(0),
        BUFFERS(16),
        USED_RING_IN_A_SECOND_FILE(6),
        TOGGLED_WHILE_ENABLED(3),
        TOGGLED_LOG(16);

        /** Where the first file ends, in pages. */
        private final int border;

        Attack(int border) {
            this.border = border;
        }
    }

    static Stream<Integer> processes() {
        return IntStream.range(0, PROCESSES).boxed();
    }

    /** Every attack on every program, in turn by every compiler: a fresh process meets one of them first. */
    @ParameterizedTest
    @MethodSource("processes")
    void noProcessEndsAndNoNeighbourLosesAPacket(int number) throws Exception {
        List<String> words = new ArrayList<>(PROGRAMS.get(number / COMPILERS.size() % PROGRAMS.size()));
        List<String> compiler = COMPILERS.get(number % COMPILERS.size());
        List<Path> sockets = Stream.of("a", "b", "c", "d").map(directory::resolve).toList();
        words.addAll(List.of("--quiet", "--socket-path",
                String.join(",", sockets.stream().map(Path::toString).toList())));
        Random random = new Random(SEED + number);
        String what = number + ": " + compiler + " " + words;
        try (Program program =
                MainProcess.start(options(compiler), Main.class, words.toArray(String[]::new))) {
            sockets.forEach(MainProcess::awaitListening);
            try (Neighbours neighbours = new Neighbours(what, sockets.get(2), sockets.get(3))) {
                neighbours.exchange();
                Attack[] attacks = Attack.values();
                for (int i = 0; i < (PROCESSES > SHORT ? 1 : attacks.length); i++) {
                    Attack attack = attacks[(number + i) % attacks.length];
                    attack(sockets, attack, random, neighbours);
                    assertFalse(program.ended(Duration.ZERO), () -> what + " " + attack + program.output());
                    neighbours.exchange();
                }
            }
            program.terminate();
            assertEquals(0, program.exitStatus(), () -> what + program.output());
        }
    }

    private static List<List<String>> compilers() {
        return MainProcess.compilers();
    }

    /**
     * Nothing but idle rings, so that one short loop is compiled as a whole: this is where the error came
     * late most often.
     */
    @ParameterizedTest
    @MethodSource("compilers")
    void idleRingsThatAreTakenAwayEndNoProcess(List<String> compiler) throws Exception {
        Path socket = directory.resolve("idle");
        Random random = new Random(SEED);
        try (Program program = MainProcess.start(options(compiler), Main.class,
                "forward", "--quiet", "--socket-path", socket.toString())) {
            MainProcess.awaitListening(socket);
            for (int i = 0; i < CONNECTIONS; i++) {
                try (RawFrontend front = new RawFrontend(socket, i % 2 == 1, 12)) {
                    front.startIdle();
                    LockSupport.parkNanos(random.nextInt(DELAY_NANOS));
                    int pages = random.nextInt(3);
                    front.truncate(0, 4096L * pages);
                    if (pages == 0) {
                        front.awaitEnd();
                    }
                }
                assertFalse(program.ended(Duration.ZERO), () -> compiler + program.output());
            }
            program.terminate();
            assertEquals(0, program.exitStatus(), () -> compiler + program.output());
        }
    }

    private static List<String> options(List<String> compiler) {
        return Stream.concat(compiler.stream(), Stream.of("-XX:+UseSerialGC", "-Xmx128m")).toList();
    }

    /** The attacker has both ends, so that packets flow into the memory that it takes away. */
    private static void attack(List<Path> sockets, Attack attack, Random random, Neighbours neighbours)
            throws IOException {
        int connections = PROCESSES > SHORT ? 3 : attack == Attack.IDLE_RINGS ? CONNECTIONS : 6;
        for (int i = 0; i < connections; i++) {
            boolean packed = i % 2 == 1;
            int border = attack == Attack.IDLE_RINGS ? 1 + random.nextInt(8) : attack.border;
            try (RawFrontend front = new RawFrontend(sockets.get(0), packed, border);
                    RawFrontend other = new RawFrontend(sockets.get(1), false, border)) {
                front.start();
                other.start();
                neighbours.exchange();
                switch (attack) {
                    case IDLE_RINGS -> {
                        LockSupport.parkNanos(random.nextInt(DELAY_NANOS / connections * 2));
                        front.truncate(random.nextInt(2), 4096L * random.nextInt(3));
                    }
                    case BUFFERS -> front.truncate(1, 4096L * random.nextInt(32));
                    case USED_RING_IN_A_SECOND_FILE -> other.truncate(1, 0);
                    case TOGGLED_WHILE_ENABLED -> toggleWhileEnabled(front, random);
                    case TOGGLED_LOG -> toggleLogs(front, other);
                }
                for (int round = 0; round < 3; round++) {
                    front.offerAgain();
                    other.offerAgain();
                }
                neighbours.exchange();
            }
        }
    }

    private static void toggleWhileEnabled(RawFrontend front, Random random) throws IOException {
        try {
            for (int i = 0; i < TOGGLES; i++) {
                front.enable(i & 1, random.nextBoolean());
                front.toggle(random.nextInt(2));
            }
        } catch (RuntimeException _) {
            return; // The connection was closed.
        }
    }

    private static void toggleLogs(RawFrontend front, RawFrontend other) throws IOException {
        for (int i = 0; i < TOGGLES; i++) {
            front.toggleLog();
            other.toggleLog();
            front.offerAgain();
            other.offerAgain();
        }
    }

    /** Two guests that must not notice: what the first one sends comes to the second. */
    private static final class Neighbours implements AutoCloseable {
        private static final int PACKETS = 4;
        private final List<VirtioUser> drivers = new ArrayList<>();
        private static final long DESTINATION_AND_SOURCE = 0x0200_0000_0002_0200L;
        private final Packet[] packets = new Packet[32];
        private final String name;
        private int number;

        private Neighbours(String name, Path... sockets) throws IOException {
            this.name = name;
            for (Path socket : sockets) {
                drivers.add(VirtioUser.connect(socket, DriverConfig.defaults()));
            }
        }

        private void exchange() {
            for (int i = 0; i < PACKETS; i++) {
                exchangeOne();
            }
        }

        private void exchangeOne() {
            VirtioUser from = drivers.getFirst();
            VirtioUser to = drivers.getLast();
            int expected = ++number;
            packets[0] = from.pool().take();
            packets[0].reset(60);
            packets[0].putNetworkLong(0, DESTINATION_AND_SOURCE);
            packets[0].putNetworkLong(8, 0x0000_0000_88B5_0000L);
            packets[0].putNetworkInt(20, expected);
            assertEquals(1, from.transmitBurst(0, packets, 0, 1));
            Await.until(name + ": packet " + expected, () -> receivesNumbered(to));
            assertEquals(expected, packets[0].networkIntAt(20), name);
            packets[0].release();
        }

        /** A switch may bring what the attackers send, too. */
        private boolean receivesNumbered(VirtioUser to) {
            if (to.receiveBurst(0, packets, 0, 1) == 0) {
                return false;
            }
            if (packets[0].networkLongAt(0) == DESTINATION_AND_SOURCE) {
                return true;
            }
            packets[0].release();
            return false;
        }

        @Override
        public void close() {
            drivers.forEach(VirtioUser::close);
        }
    }
}
