package io.vhost.protocol;

import io.vhost.os.Descriptor;

/**
 * A region in which back-ends note what they have in flight, as its front-end keeps it from one back-end to
 * the next: opaque but for its place.
 *
 * @param file where it lies
 * @param size bytes
 * @param offset of its first byte in the file
 * @param queues how many queues have a part in it, from the first on
 * @param queueSize entries of each
 */
public record InflightFile(Descriptor file, long size, long offset, int queues, int queueSize)
        implements AutoCloseable {
    /** Closes the file. Back-ends that use the region do not notice. */
    @Override
    public void close() {
        file.close();
    }
}
