package io.vhost.ring;

import java.util.Arrays;

/** A ring in a {@link GuestWindow} with both ends. */
record RingEnds(GuestWindow window, DriverRing driver, DeviceRing device, boolean deviceWrites) {
    static RingEnds of(RingFormat format, int size, RingOptions options) {
        GuestWindow window = new GuestWindow();
        RingAddresses addresses = GuestWindow.ring(format, size);
        return new RingEnds(
                window,
                format.driver(window.segment, addresses, size, options),
                format.device(window.memory, addresses, size, options, format.start()),
                options.deviceWrites());
    }

    /** Offers a chain, all of its buffers in the direction of the ring. False when there is no room. */
    boolean offer(int token, Buffer... buffers) {
        if (buffers.length == 1) {
            return driver.offer(token, buffers[0].address(), buffers[0].length(), deviceWrites);
        }
        return driver.offer(token, addresses(buffers), lengths(buffers), readable(buffers), buffers.length);
    }

    /** The same through an indirect table, which lies at {@code table} in the guest. */
    boolean offerIndirect(int token, long table, Buffer... buffers) {
        return driver.offerIndirect(token, window.offset(table), table,
                addresses(buffers), lengths(buffers), readable(buffers), buffers.length);
    }

    private int readable(Buffer[] buffers) {
        return deviceWrites ? 0 : buffers.length;
    }

    static long[] addresses(Buffer... buffers) {
        return Arrays.stream(buffers).mapToLong(Buffer::address).toArray();
    }

    static int[] lengths(Buffer... buffers) {
        return Arrays.stream(buffers).mapToInt(Buffer::length).toArray();
    }
}
