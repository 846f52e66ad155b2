package io.vhost.ring;

import java.util.Arrays;

/** A split ring in a {@link GuestWindow} with both ends. */
record SplitEnds(GuestWindow window, SplitDriverRing driver, SplitRing device, boolean deviceWrites)
        implements RingEnds {

    static SplitEnds of(int size, RingOptions options) {
        GuestWindow window = new GuestWindow();
        RingAddresses addresses = GuestWindow.ring(size);
        return new SplitEnds(
                window,
                new SplitDriverRing(window.segment, addresses, size, options),
                new SplitRing(window.memory, addresses, size, options, 0),
                options.deviceWrites());
    }

    @Override
    public boolean offer(int token, Buffer... buffers) {
        if (buffers.length == 1) {
            return driver.offer(token, buffers[0].address(), buffers[0].length(), deviceWrites);
        }
        return driver.offer(token, addresses(buffers), lengths(buffers), readable(buffers), buffers.length);
    }

    @Override
    public boolean offerIndirect(int token, long table, Buffer... buffers) {
        return driver.offerIndirect(token, window.offset(table), table,
                addresses(buffers), lengths(buffers), readable(buffers), buffers.length);
    }

    private int readable(Buffer[] buffers) {
        return deviceWrites ? 0 : buffers.length;
    }

    private static long[] addresses(Buffer[] buffers) {
        return Arrays.stream(buffers).mapToLong(Buffer::address).toArray();
    }

    private static int[] lengths(Buffer[] buffers) {
        return Arrays.stream(buffers).mapToInt(Buffer::length).toArray();
    }

    @Override
    public void show() {
        driver.publish();
    }

    @Override
    public boolean needsKick() {
        return driver.needsKick();
    }

    @Override
    public int poll() {
        return driver.poll();
    }

    @Override
    public int usedLength() {
        return driver.usedLength();
    }

    @Override
    public int free() {
        return driver.free();
    }

    @Override
    public boolean enableInterrupts() {
        return driver.enableInterrupts();
    }

    @Override
    public void disableInterrupts() {
        driver.disableInterrupts();
    }

    @Override
    public RingViolation driverViolation() {
        return driver.violation();
    }

    @Override
    public int gather(ChainBatch batch, int max) {
        return device.gather(batch, max);
    }

    @Override
    public void ungather(ChainBatch batch, int count) {
        device.ungather(batch, count);
    }

    @Override
    public void publish(ChainBatch batch) {
        device.publish(batch);
    }

    @Override
    public boolean needsInterrupt() {
        return device.needsInterrupt();
    }

    @Override
    public boolean enableKicks() {
        return device.enableKicks();
    }

    @Override
    public void disableKicks() {
        device.disableKicks();
    }

    @Override
    public int available() {
        return device.available();
    }

    @Override
    public RingViolation violation() {
        return device.violation();
    }
}
