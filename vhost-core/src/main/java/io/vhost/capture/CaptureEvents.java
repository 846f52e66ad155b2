package io.vhost.capture;

import java.util.List;

/** What the writer of a capture tells it, and asks. Thread: the writer's. */
interface CaptureEvents {
    /** Whether it was ended: what is there is to be written, and nothing else. */
    boolean isEnding();

    /** Queues that were met. */
    List<CapturedQueue> queues();

    /** Somebody gets what is recorded from now on. */
    void recording();

    /** No packet is recorded any more. */
    void detachAll();

    /** Nobody gets anything for now. */
    void waiting();

    /** The writer is through; {@code reason}: why it has failed, or null. */
    void over(CaptureState last, String reason);
}
