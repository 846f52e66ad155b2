package io.vhost.ring;

/** One buffer of a chain: a guest address and a length in bytes. */
record Buffer(long address, int length) {
    static Buffer[] of(int count, long address, int length) {
        Buffer[] buffers = new Buffer[count];
        for (int i = 0; i < count; i++) {
            buffers[i] = new Buffer(address + (long) i * length, length);
        }
        return buffers;
    }
}
