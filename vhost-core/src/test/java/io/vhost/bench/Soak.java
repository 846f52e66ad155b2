package io.vhost.bench;

import io.vhost.app.Main;
import io.vhost.driver.DriverConfig;
import io.vhost.driver.VirtioUser;
import io.vhost.net.Packet;
import io.vhost.peer.MainProcess;
import io.vhost.peer.Program;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * A clean pair of guests beside front-ends that attack the same process for a long time. The pair counts
 * every packet; once a minute it runs at full speed, with the attacks and without them. At the end the
 * process has to be as it was at the start.
 */
@Command(name = "soak", description = "A clean pair of guests beside attackers of the same process")
final class Soak implements Callable<Integer> {
    private static final int BURST = 32;
    private static final long SECOND = 1_000_000_000L;
    private static final int WINDOW = 2;
    /** A heap that is there from the start, so that what else grows can be seen. */
    private static final List<String> HEAP = List.of("-Xms128m", "-Xmx128m", "-XX:+AlwaysPreTouch");

    @Option(names = "--minutes", defaultValue = "30", description = "how long: ${DEFAULT-VALUE}")
    private int minutes;

    @Option(names = "--rest", defaultValue = "50",
            description = "seconds of slow traffic in each minute: ${DEFAULT-VALUE}")
    private int rest;

    @Option(names = "--warm-up", defaultValue = "3",
            description = "minutes under attack before the first count of resources: ${DEFAULT-VALUE}")
    private int warmUp;

    @Option(names = "--words", defaultValue = "forward", split = " ",
            description = "command and options under test: ${DEFAULT-VALUE}")
    private List<String> words;

    private final Packet[] out = new Packet[BURST];
    private final Packet[] in = new Packet[BURST];
    private long sent;
    private long received;

    /** What a process has of the system. */
    private record State(long descriptors, long mappings, long threads, long residentKilobytes) {
        static State of(long pid) throws IOException {
            Path proc = Path.of("/proc/" + pid);
            try (Stream<Path> open = Files.list(proc.resolve("fd"));
                    Stream<String> maps = Files.lines(proc.resolve("maps"));
                    Stream<Path> tasks = Files.list(proc.resolve("task"));
                    Stream<String> status = Files.lines(proc.resolve("status"))) {
                return new State(open.count(), maps.count(), tasks.count(), Long.parseLong(
                        status.filter(line -> line.startsWith("VmRSS")).findFirst().orElseThrow()
                                .replaceAll("\\D", "")));
            }
        }
    }

    @Override
    public Integer call() throws IOException {
        Path directory = Files.createTempDirectory("soak");
        List<Path> sockets = Stream.of("a", "b", "c", "d", "e", "f").map(directory::resolve).toList();
        List<String> command = new ArrayList<>(words);
        command.addAll(List.of("--quiet", "--socket-path",
                String.join(",", sockets.stream().map(Path::toString).toList())));
        try (Program program = MainProcess.start(HEAP, Main.class, command.toArray(String[]::new))) {
            sockets.forEach(MainProcess::awaitListening);
            String[] attacked =
                    Stream.of(0, 1, 4, 5).map(i -> sockets.get(i).toString()).toArray(String[]::new);
            try (VirtioUser from = VirtioUser.connect(sockets.get(2), DriverConfig.defaults());
                    VirtioUser to = VirtioUser.connect(sockets.get(3), DriverConfig.defaults());
                    Program attackers = MainProcess.startBy(List.of("nice", "-n", "19"), SoakAttackers.class,
                            attacked)) {
                soak(program, attackers, from, to);
            }
            program.terminate();
            System.out.println("status " + program.exitStatus());
        }
        return 0;
    }

    private void soak(Program program, Program attackers, VirtioUser from, VirtioUser to) throws IOException {
        say(attackers, "on");
        run(from, to, 5, 0);
        run(from, to, warmUp * 60, 1_000_000);
        say(attackers, "off");
        run(from, to, 2, 0);
        State before = State.of(program.pid());
        System.out.println("before " + before);
        List<Double> quiet = new ArrayList<>();
        List<Double> attacked = new ArrayList<>();
        for (int minute = 0; minute < minutes; minute++) {
            quiet.add(run(from, to, WINDOW, 0));
            say(attackers, "on");
            attacked.add(run(from, to, WINDOW, 0));
            run(from, to, rest, 1_000_000);
            say(attackers, "off");
            run(from, to, 1, 1_000_000);
            System.out.println("minute " + (minute + 1) + " " + State.of(program.pid()));
        }
        run(from, to, 2, 0);
        double alone = median(quiet);
        double beside = median(attacked);
        System.out.printf("minutes %d: sent %,d received %,d; alone %.0f, attacked %.0f thousand packets/s,"
                        + " ratio %.2f (least of a pair %.2f)%n",
                minutes, sent, received, alone, beside, beside / alone, least(quiet, attacked));
        System.out.println("before " + before);
        System.out.println("after  " + State.of(program.pid()));
    }

    private static void say(Program attackers, String word) {
        attackers.send(word);
        attackers.await("is " + word);
    }

    private static double median(List<Double> values) {
        return values.stream().sorted().skip(values.size() / 2).findFirst().orElseThrow();
    }

    private static double least(List<Double> quiet, List<Double> attacked) {
        double least = Double.MAX_VALUE;
        for (int i = 0; i < quiet.size(); i++) {
            least = Math.min(least, attacked.get(i) / quiet.get(i));
        }
        return least;
    }

    /** Thousands of packets a second; all of them have arrived, in order. */
    private double run(VirtioUser from, VirtioUser to, int seconds, long pause) {
        long begin = System.nanoTime();
        long before = received;
        long now = begin;
        while (now - begin < seconds * SECOND) {
            transmit(from);
            receive(to);
            if (pause > 0) {
                LockSupport.parkNanos(pause);
            }
            now = System.nanoTime();
        }
        while (received < sent) {
            from.reclaim(0);
            receive(to);
            if (System.nanoTime() - now > 60 * SECOND) {
                throw new IllegalStateException("sent " + sent + ", received " + received);
            }
        }
        return 1e6 * (received - before) / (System.nanoTime() - begin);
    }

    private void transmit(VirtioUser from) {
        if (sent - received > 128) {
            from.reclaim(0);
            return;
        }
        int count = from.pool().take(out, 0, BURST);
        for (int i = 0; i < count; i++) {
            out[i].reset(60);
            out[i].putNetworkLong(20, sent + i);
        }
        int accepted = from.transmitBurst(0, out, 0, count);
        from.pool().release(out, accepted, count - accepted);
        sent += accepted;
    }

    private void receive(VirtioUser to) {
        int count = to.receiveBurst(0, in, 0, BURST);
        for (int i = 0; i < count; i++) {
            long number = in[i].networkLongAt(20);
            if (number != received) {
                throw new IllegalStateException("packet " + number + " instead of " + received);
            }
            received++;
        }
        to.pool().release(in, 0, count);
        Arrays.fill(in, null);
    }
}
