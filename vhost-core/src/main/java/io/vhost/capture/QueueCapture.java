package io.vhost.capture;

import io.vhost.device.ProgramPlace;
import java.util.Objects;

/**
 * What became of the packets of a queue. While packets pass, {@code accepted} may be ahead of the sum of
 * {@code dropped} and {@code written} by what is on its way; when the capture has ended they are equal.
 *
 * @param place port and direction
 * @param pair number of the queue pair, from 0
 * @param seen packets that passed while they were recorded
 * @param accepted those of them that the filter wanted; all, if there is none
 * @param dropped those of the accepted ones that could not be kept, since the writer was too slow or failed
 * @param written those of the accepted ones that are in the file
 */
public record QueueCapture(
        ProgramPlace place, int pair, long seen, long accepted, long dropped, long written) {
    /** Checks that there is a place. */
    public QueueCapture {
        Objects.requireNonNull(place, "place");
    }
}
