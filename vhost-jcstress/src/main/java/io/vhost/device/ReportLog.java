package io.vhost.device;

import io.vhost.Pause;
/** Notes what it is told in two places, one after the other, which only the queue's lock keeps equal. */
final class ReportLog implements DeviceListener {
    private int first;
    private int second;
    private boolean running;

    @Override
    public void vringStateChanged(VirtQueue queue, boolean enabled) {
        note(enabled);
    }

    void note(boolean enabled) {
        first++;
        running = enabled;
        Pause.linger();
        second++;
    }

    /** Whether a change is half made. */
    boolean isTorn() {
        return first != second;
    }

    boolean isRunning() {
        return running;
    }
}
