package io.vhost.ring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Random;

/**
 * A driver, and devices that follow one another: each dies behind some store, wherever that is, and the next
 * goes on from the in-flight region. Every chain must come back once, in its turn, with its length.
 */
public final class InflightScenario {
    private static final int STEPS = 60;
    private static final int SLOT = 512;

    private final RingFormat format;
    private final int size;
    private final RingOptions options;
    private final Random random;
    /** Of all plays, since it takes longer to make than a play. */
    private static final GuestWindow WINDOW = new GuestWindow();

    private final GuestWindow window = WINDOW;
    private final RingAddresses addresses;
    private final MemorySegment region;
    private final DriverRing driver;
    private final ChainBatch batch;
    /** Length of the chains that the driver waits for, in their order. */
    private final Deque<Integer> expected = new ArrayDeque<>();
    private final int[] cuts;
    private int lives;
    /** Stores until the present device dies. */
    private int left;
    private int offered;
    private int back;

    private DeviceRing device;
    private ChainsInFlight held;
    private final Deque<Integer> heldIds = new ArrayDeque<>();

    private InflightScenario(boolean packed, int size, boolean deviceWrites, long seed, int[] cuts) {
        this.format = RingFormat.of(packed);
        this.size = size;
        this.options = new RingOptions(deviceWrites, true, true, (seed & 1) == 0);
        this.random = new Random(seed);
        this.cuts = cuts;
        this.addresses = GuestWindow.ring(format, size);
        this.region = Arena.ofAuto().allocate(format.inflightBytes(size), 64);
        window.segment.asSlice(0, addresses.used() + format.deviceBytes(size)).fill((byte) 0);
        this.driver = format.driver(window.segment, addresses, size, options);
        this.batch = new ChainBatch(size);
    }

    /**
     * Plays until all is done.
     *
     * @param cuts stores behind which the devices die, one after another; who comes after the last lives on
     * @return stores that the devices have made
     */
    public static int play(boolean packed, int size, boolean deviceWrites, long seed, int[] cuts) {
        InflightScenario scenario = new InflightScenario(packed, size, deviceWrites, seed, cuts);
        scenario.play();
        return StoreCut.made();
    }

    private void play() {
        for (int step = 0; step < STEPS; step++) {
            offer(random.nextInt(4));
            live(random.nextInt(5));
            if (random.nextInt(3) > 0) {
                poll();
            }
        }
        for (int round = 0; driver.outstanding() > 0; round++) {
            assertTrue(round < 100, () -> driver.outstanding() + " chains never came back of " + offered);
            live(1);
            live(4);
            poll();
        }
        assertEquals(offered, back);
        assertTrue(device == null || device.violation() == null);
    }

    private void offer(int count) {
        for (int i = 0; i < count; i++) {
            int buffers = random.nextInt(4) == 0 ? 1 + random.nextInt(Math.min(3, size)) : 1;
            long base = GuestWindow.BUFFERS + (long) SLOT * (offered % 256);
            long[] address = new long[buffers];
            int[] length = new int[buffers];
            int total = 0;
            for (int b = 0; b < buffers; b++) {
                address[b] = base + 64L * (b + 1);
                length[b] = 1 + random.nextInt(60);
                total += length[b];
            }
            int readable = options.deviceWrites() ? 0 : buffers;
            boolean done = random.nextInt(5) == 0
                    ? driver.offerIndirect(
                            offered, window.offset(base), base, address, length, readable, buffers)
                    : driver.offer(offered, address, length, readable, buffers);
            if (done) {
                expected.add(options.deviceWrites() ? total : 0);
                offered++;
            }
        }
        driver.publish();
    }

    private void poll() {
        int token;
        while ((token = driver.poll()) >= 0) {
            assertEquals(back++, token);
            assertEquals(expected.remove(), driver.usedLength());
        }
        assertNull(driver.violation());
    }

    /** One step of the device, which it perhaps does not survive. */
    private void live(int what) {
        try {
            if (device == null) {
                open();
            }
            act(what);
        } catch (StoreCut.Cut end) {
            device = null;
        }
    }

    private void open() {
        left = lives < cuts.length ? cuts[lives++] : StoreCut.ENDLESS;
        StoreCut.resume(left);
        int base = format == RingFormat.SPLIT
                ? format.resume(window.memory, addresses, 0) : format.start();
        DeviceRing opened = format.device(window.memory, addresses, size, options, base);
        opened.track(region);
        left = StoreCut.pause();
        assertNull(opened.violation());
        device = opened;
        held = new ChainsInFlight(size);
        heldIds.clear();
        batch.clear();
    }

    private void act(int what) {
        StoreCut.resume(left);
        switch (what) {
            case 0 -> {
                gather(1 + random.nextInt(size));
                device.ungather(batch, batch.chains());
            }
            case 1, 2 -> useAtOnce();
            case 3 -> hold();
            default -> giveBack(heldIds.size());
        }
        left = StoreCut.pause();
    }

    private void gather(int most) {
        device.gather(batch, most);
        assertNull(device.violation());
        for (int chain = 0; chain < batch.chains(); chain++) {
            batch.written(chain, options.deviceWrites() ? (int) batch.length(chain) : 0);
        }
    }

    private void useAtOnce() {
        giveBack(heldIds.size());
        gather(1 + random.nextInt(size));
        if (batch.chains() > 0) {
            device.ungather(batch, random.nextInt(batch.chains()));
            device.publish(batch);
        }
    }

    private void hold() {
        gather(1 + random.nextInt(size));
        int kept = random.nextInt(batch.chains() + 1);
        assertTrue(held.canTake(batch, 0, kept));
        held.take(batch, 0, kept);
        for (int i = 0; i < kept; i++) {
            heldIds.add(batch.id(i));
        }
        device.keep(batch, kept);
        giveBack(random.nextInt(heldIds.size() + 1));
    }

    private void giveBack(int count) {
        for (int i = 0; i < count; i++) {
            held.giveBack(heldIds.remove());
        }
        device.publish(held);
        held.forgetReturned();
    }
}
