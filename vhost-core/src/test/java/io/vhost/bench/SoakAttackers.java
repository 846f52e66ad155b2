package io.vhost.bench;

import io.vhost.driver.DriverConfig;
import io.vhost.driver.VirtioUser;
import io.vhost.net.Packet;
import io.vhost.peer.RawFrontend;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;

/**
 * Front-ends that do what they can to disturb others, in a process of their own: a flipper, a storm of
 * connections, a ring of costly chains, memory that is taken away, and a guest that takes a packet from time
 * to time while another sends to it as fast as it can. Lines on the standard input say {@code on} and
 * {@code off}; the end of the input ends it. Words: the two attacked sockets, the fast and the slow guest's.
 */
final class SoakAttackers {
    private static final int ROUNDS = 200;
    private static final int BURST = 32;
    /** The slow guest takes a packet each so often. */
    private static final long SLOW_NANOS = 5_000_000;
    private static volatile boolean on;

    private SoakAttackers() {}

    /** One connection that attacks. */
    private interface Attack {
        void on(RawFrontend front, Random random) throws IOException;
    }

    public static void main(String[] words) throws IOException {
        Path first = Path.of(words[0]);
        Path second = Path.of(words[1]);
        List<Attack> attacks = List.of(
                (front, random) -> {
                    front.start();
                    for (int i = 0; i < ROUNDS; i++) {
                        front.scribble(random.nextLong() >>> 1, random.nextLong());
                        front.offerAgain();
                    }
                },
                (front, _) -> front.startIdle(),
                (front, _) -> {
                    front.start();
                    front.offerTables();
                    for (int i = 0; i < ROUNDS * 20 && on; i++) {
                        front.offerAgain();
                    }
                },
                (front, random) -> {
                    front.start();
                    front.truncate(random.nextInt(2), 4096L * random.nextInt(8));
                    front.offerAgain();
                });
        for (int i = 0; i < attacks.size(); i++) {
            Attack attack = attacks.get(i);
            Path socket = i % 2 == 0 ? first : second;
            Random random = new Random(i);
            Thread.ofPlatform().daemon().start(() -> repeat(attack, socket, random));
        }
        Path fast = Path.of(words[2]);
        Path slow = Path.of(words[3]);
        Thread.ofPlatform().daemon().start(() -> feedSlowGuest(fast, slow));
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            on = line.equals("on");
            System.out.println("is " + line);
        }
    }

    /** The back-end never has room for what it takes; the slow guest's queue is full while this is on. */
    private static void feedSlowGuest(Path fast, Path slow) {
        Packet[] packets = new Packet[BURST];
        Packet[] taken = new Packet[1];
        try (VirtioUser from = VirtioUser.connect(fast, DriverConfig.defaults());
                VirtioUser to = VirtioUser.connect(slow, DriverConfig.defaults())) {
            long next = System.nanoTime();
            while (true) {
                if (!on) {
                    LockSupport.parkNanos(10_000_000);
                    continue;
                }
                from.reclaim(0);
                int count = from.pool().take(packets, 0, BURST);
                for (int i = 0; i < count; i++) {
                    packets[i].reset(60);
                }
                int accepted = from.transmitBurst(0, packets, 0, count);
                from.pool().release(packets, accepted, count - accepted);
                if (System.nanoTime() - next > 0) {
                    to.pool().release(taken, 0, to.receiveBurst(0, taken, 0, 1));
                    next = System.nanoTime() + SLOW_NANOS;
                }
                LockSupport.parkNanos(100_000);
            }
        } catch (IOException | RuntimeException e) {
            System.err.println("the slow guest ended: " + e);
        }
    }

    private static void repeat(Attack attack, Path socket, Random random) {
        while (true) {
            if (!on) {
                LockSupport.parkNanos(10_000_000);
                continue;
            }
            boolean packed = random.nextInt(4) == 0;
            try (RawFrontend front = new RawFrontend(socket, packed, 1 + random.nextInt(16))) {
                attack.on(front, random);
            } catch (IOException | RuntimeException | AssertionError _) {
                // The back-end closed the connection, as it should.
                LockSupport.parkNanos(1_000_000);
            }
        }
    }
}
