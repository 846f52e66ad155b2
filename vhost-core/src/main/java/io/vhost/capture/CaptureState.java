package io.vhost.capture;

/** What a capture does. */
public enum CaptureState {
    /** The file is a pipe that nobody reads: nothing is recorded, and costs anything, until somebody does. */
    WAITING,
    /** Packets are recorded. */
    RECORDING,
    /** The file cannot be written any more; what was written is whole. */
    FAILED,
    /** It was ended, or its pipe is gone. */
    ENDED
}
