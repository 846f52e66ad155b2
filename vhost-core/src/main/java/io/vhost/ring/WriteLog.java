package io.vhost.ring;

import io.vhost.memory.AddressTranslator;
import io.vhost.memory.DirtyLog;

/**
 * Tells a {@link DirtyLog} what the device side of a ring writes, while a guest migrates.
 *
 * <p>Thread: that of its ring. Off until {@link #to} names a log; {@link #written} and {@link #area} may be
 * called only while it is on, but {@link #deviceArea} asks itself. What was written into buffers is marked
 * where it was gathered, not where the descriptors say since: a driver that rewrites them gains nothing.
 */
final class WriteLog {
    /** The guest address of the device area is not known, or writes to it are not to be logged. */
    static final long NOT_LOGGED = -1;

    private final AddressTranslator translator;
    private DirtyLog dirtyLog;
    private long deviceArea = NOT_LOGGED;

    /**
     * The log of one ring.
     *
     * @param translator of the guest's memory
     */
    WriteLog(AddressTranslator translator) {
        this.translator = translator;
    }

    /**
     * Turns the log on or off.
     *
     * @param newLog where to; null: off
     * @param deviceAreaAddress of the device area in the guest, or {@link #NOT_LOGGED}
     */
    void to(DirtyLog newLog, long deviceAreaAddress) {
        dirtyLog = newLog;
        deviceArea = newLog == null ? NOT_LOGGED : deviceAreaAddress;
    }

    /** {@return whether writes are to be told} */
    boolean isOn() {
        return dirtyLog != null;
    }

    /** Marks what was written into the chains of a batch, as they say. */
    void written(ChainBatch batch) {
        for (int chain = 0; chain < batch.chains; chain++) {
            long rest = Integer.toUnsignedLong(batch.written[chain]);
            int end = batch.firstBuffer[chain + 1];
            for (int i = batch.firstWritable(chain); i < end && rest > 0; i++) {
                area(batch.bufferOffset[i], Math.min(rest, batch.bufferLength[i]));
                rest -= batch.bufferLength[i];
            }
        }
    }

    /** Marks a range of the window. */
    void area(long windowOffset, long length) {
        dirtyLog.mark(translator.guestAddress(windowOffset), length);
    }

    /**
     * Marks a range of the device area.
     *
     * @param offset of its first byte in the area
     * @param length bytes
     */
    void deviceArea(long offset, long length) {
        if (deviceArea != NOT_LOGGED) {
            dirtyLog.mark(deviceArea + offset, length);
        }
    }
}
