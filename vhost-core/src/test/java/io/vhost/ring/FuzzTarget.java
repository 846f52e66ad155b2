package io.vhost.ring;

import io.vhost.state.RingPositions;
import io.vhost.state.RingViolation;
import io.vhost.testing.FuzzInput;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.List;

/**
 * What must hold whatever a driver writes into a ring and whenever: nothing is thrown, what is gathered lies
 * in the guest's memory, the work is bounded, a violation stays, chains that are let go of come again, and
 * what is given back stands in the ring in the order in which it was.
 *
 * <p>The first bytes of an input choose format, size and options; then each byte is a step of the driver, who
 * writes where it hurts, or of the device. Both are one thread, so that memory does not change under a step.
 */
public final class FuzzTarget {
    private static final int[] SIZES = {8, 1, 2, 4, 16, 3, 5, 7};
    private static final int MOST_SIZE = 16;
    private static final int MOST_STEPS = 200;
    private static final int RING_BYTES = 1024;
    private static final int TABLES = 2;

    private static final GuestWindow WINDOW = new GuestWindow();
    private static final MemorySegment REGION =
            Arena.ofAuto().allocate(RingFormat.PACKED.inflightBytes(MOST_SIZE), 64);

    private final FuzzInput input;
    private final RingFormat format;
    private final int size;
    private final RingOptions options;
    private final boolean tracks;
    private final boolean limited;
    private final RingAddresses addresses;
    private final FuzzDriver driver;
    private final ChainBatch batch;
    private DeviceRing device;
    private ChainsInFlight chains;
    private final Deque<Integer> kept = new ArrayDeque<>();
    private WorkBudget budget;
    private RingViolation violation;

    private FuzzTarget(FuzzInput input) {
        this.input = input;
        int choice = input.next();
        format = RingFormat.of((choice & 1) != 0);
        int wanted = SIZES[(choice >> 1) % SIZES.length];
        size = format.accepts(wanted) ? wanted : 8;
        int features = input.next();
        options = new RingOptions((features & 1) != 0, (features & 2) == 0, (features & 4) != 0,
                (features & 8) != 0);
        tracks = (features & 16) != 0;
        limited = (features & 32) != 0;
        addresses = GuestWindow.ring(format, size);
        driver = new FuzzDriver(input, WINDOW, addresses, format, size, options.deviceWrites());
        batch = new ChainBatch(size);
    }

    /** The entry point of coverage-guided fuzzers. */
    public static void fuzzerTestOneInput(byte[] data) {
        WINDOW.segment.asSlice(0, RING_BYTES).fill((byte) 0);
        for (int i = 0; i < TABLES; i++) {
            long table = WINDOW.offset(FuzzDriver.TABLE + i * FuzzDriver.TABLE_STRIDE);
            WINDOW.segment.asSlice(table, FuzzDriver.TABLE_BYTES).fill((byte) 0);
        }
        REGION.fill((byte) 0);
        new FuzzTarget(new FuzzInput(data)).run();
    }

    private void run() {
        open(format.start());
        for (int i = 0; i < MOST_STEPS && input.hasMore(); i++) {
            int step = input.next();
            switch (step % 24) {
                case 0, 1, 2, 3 -> gather(1 + input.below(size + 1));
                case 4, 5 -> publish();
                case 6 -> ungather();
                case 7 -> keep();
                case 8 -> giveBack();
                case 9 -> signals();
                case 10 -> recover();
                case 11 -> device.element(WINDOW.memory, input.next16());
                case 12 -> pokeRegion();
                default -> driver.step(step % 24 - 13, device.positions());
            }
            require(violation == null || violation == device.violation(), "the violation is another");
            violation = device.violation();
            checkPositions();
        }
    }

    private void open(int base) {
        device = format.device(WINDOW.memory, addresses, size, options, base);
        budget = new WorkBudget();
        device.charge(budget);
        chains = new ChainsInFlight(size);
        kept.clear();
        batch.clear();
        violation = null;
        if (tracks) {
            device.track(REGION.asSlice(0, format.inflightBytes(size)));
        }
        violation = device.violation();
    }

    private void gather(int max) {
        boolean available = device.hasAvailable();
        boolean wasFull = batch.isFull();
        if (limited && !budget.grant(max)) {
            return;
        }
        int before = batch.chains();
        int added = device.gather(batch, max);
        require(added >= 0 && added <= max && batch.chains() == before + added, "added " + added);
        require(violation == null || added == 0, "chains of a ring with a violation");
        boolean had = added > 0 || device.violation() != null || before == size || batch.isFull();
        require(!available || wasFull || had, "what is available was not taken");
        require(available || added == 0 || format == RingFormat.SPLIT, "taken without being available");
        checkBatch(before);
        if (device.violation() == null && !limited) {
            repeat(before, added);
        }
    }

    private void checkBatch(int before) {
        long spent = 0;
        long last = 0;
        for (int chain = 0; chain < batch.chains(); chain++) {
            require(batch.id(chain) >= 0 && batch.id(chain) < size, "id " + batch.id(chain));
            int first = batch.firstBuffer(chain);
            int end = batch.endBuffer(chain);
            int writable = batch.firstWritable(chain);
            require(first < end && writable >= first && writable <= end, "buffers of chain " + chain);
            long sum = 0;
            for (int buffer = first; buffer < end; buffer++) {
                require(isMapped(batch.bufferOffset(buffer), batch.bufferLength(buffer)),
                        "buffer at " + batch.bufferOffset(buffer) + " of " + batch.bufferLength(buffer));
                sum += batch.bufferLength(buffer);
            }
            require(sum == batch.length(chain) && sum > 0 && sum < 1L << 32, "length of chain " + chain);
            if (chain >= before && end - first > 1) {
                last = Math.max(0, end - first
                        - Math.min(sum / WorkBudget.BYTES_PER_DESCRIPTOR, WorkBudget.MOST_CARRIED));
                spent += last;
            }
        }
        int granted = WorkBudget.PER_PACKET * (size + 1);
        require(!limited || spent - last < granted, "work for " + spent + " descriptors");
        require(batch.endBuffer(batch.chains() - 1 < 0 ? 0 : batch.chains() - 1) <= batch.bufferCapacity(),
                "more buffers than there is room for");
    }

    private static boolean isMapped(long offset, int length) {
        long far = WINDOW.offset(GuestWindow.FAR);
        long next = WINDOW.offset(GuestWindow.NEXT);
        return length >= 1 && (lies(offset, length, 0, GuestWindow.MAIN_SIZE)
                || lies(offset, length, next, GuestWindow.NEXT_SIZE)
                || lies(offset, length, far, GuestWindow.FAR_SIZE));
    }

    private static boolean lies(long offset, int length, long begin, long bytes) {
        return offset >= begin && offset + length <= begin + bytes;
    }

    /** On memory that has not changed the same comes again. */
    private void repeat(int before, int added) {
        List<Long> first = describe(before);
        int back = added == 0 ? 0 : 1 + input.below(added);
        RingPositions positions = device.positions();
        device.ungather(batch, back);
        int again = device.gather(batch, back);
        require(again == back, "of " + back + " chains let go of came back " + again);
        require(first.equals(describe(before)), "other chains than before");
        require(positions.equals(device.positions()), "another position than before");
    }

    private List<Long> describe(int from) {
        List<Long> all = new ArrayList<>();
        for (int chain = from; chain < batch.chains(); chain++) {
            all.add((long) batch.id(chain));
            all.add((long) batch.descriptors[chain]);
            all.add((long) batch.firstWritable(chain) - batch.firstBuffer(chain));
            for (int i = batch.firstBuffer(chain); i < batch.endBuffer(chain); i++) {
                all.add(batch.bufferOffset(i));
                all.add((long) batch.bufferLength(i));
            }
        }
        return all;
    }

    private void publish() {
        if (!kept.isEmpty()) {
            // A queue gives back in the order in which it took: what is in flight comes first.
            giveBackAll(false);
        }
        setWritten();
        FuzzUsed used = new FuzzUsed(WINDOW.segment, addresses, format, size, device);
        used.expect(batch, options.inOrder());
        int count = batch.chains();
        int published = device.published();
        device.publish(batch);
        require(batch.chains() == 0 && device.published() == published + count, "published");
        used.check();
    }

    private void setWritten() {
        for (int chain = 0; chain < batch.chains(); chain++) {
            int first = batch.firstBuffer(chain);
            batch.written(chain, batch.isOneWay(false) ? 0 : batch.bufferLength(first));
        }
    }

    private void ungather() {
        device.ungather(batch, input.below(batch.chains() + 1));
    }

    private void keep() {
        setWritten();
        int count = input.below(batch.chains() + 1);
        if (!chains.canTake(batch, 0, count)) {
            device.fault(RingViolation.HEAD_IN_FLIGHT, 0);
            count = 0;
        } else if (!chains.hasRoom(batch, 0, count)) {
            count = 0;
        }
        chains.take(batch, 0, count);
        for (int i = 0; i < count; i++) {
            kept.add(batch.id(i));
        }
        device.keep(batch, count);
        require(batch.chains() == 0 && chains.count() == kept.size(), "kept");
    }

    private void giveBack() {
        device.keep(batch, 0);
        giveBackAll(input.rarely());
    }

    /** All of what is in flight, in the order in which it was taken or in the other. */
    private void giveBackAll(boolean reversed) {
        List<Integer> order = new ArrayList<>(kept);
        if (reversed) {
            Collections.reverse(order);
        }
        FuzzUsed used = new FuzzUsed(WINDOW.segment, addresses, format, size, device);
        used.expect(chains, order);
        order.forEach(chains::giveBack);
        int published = device.published();
        device.publish(chains);
        chains.forgetReturned();
        require(device.published() == published + order.size() && chains.count() == 0, "published");
        used.check();
        kept.clear();
    }

    private void signals() {
        switch (input.below(4)) {
            case 0 -> device.needsInterrupt();
            case 1 -> {
                boolean work = device.enableKicks();
                require(device.kicksWanted() && work == device.hasAvailable(), "kicks");
            }
            case 2 -> device.disableKicks();
            default -> device.forgetInflight();
        }
    }

    /** The device dies, and another goes on: at its base, or wherever the front-end says. */
    private void recover() {
        int choice = input.next();
        int base = choice < 200 ? device.base() : choice < 240 ? input.next() : input.next32();
        if (format.refusal(base, size) != null) {
            base = format.start();
        }
        int resumed = format.resume(WINDOW.memory, addresses, base);
        require(format.refusal(resumed, size) == null, "resumed at 0x" + Integer.toHexString(resumed));
        format.isBehind(WINDOW.memory, addresses, size, resumed);
        open(resumed);
    }

    private void pokeRegion() {
        int at = input.next() * 2 % (int) format.inflightBytes(size);
        REGION.set(ValueLayout.JAVA_SHORT_UNALIGNED, at, (short) FuzzDriver.number(input, size));
    }

    private void checkPositions() {
        RingPositions at = device.positions();
        require(at.inUse() >= 0 && at.inUse() <= size, "in use: " + at);
        int bound = format == RingFormat.SPLIT ? 0x10000 : size;
        require(at.nextAvail() >= 0 && at.nextAvail() < bound && at.nextUsed() >= 0 && at.nextUsed() < bound,
                "positions " + at);
        require(format.refusal(device.base(), size) == null, "base " + device.base());
        require(device.violation() == null || !device.hasAvailable(), "available in spite of a violation");
    }

    static void require(boolean holds, String otherwise) {
        if (!holds) {
            throw new AssertionError(otherwise);
        }
    }
}
