package io.vhost.example;

import io.vhost.device.VhostDevice;
import java.util.List;

/** A polling thread that goes on whatever guests do to their memory. */
final class PollingLoop {
    private final Runnable round;
    private final List<VhostDevice> devices;

    /** Works on some devices; a round is one burst of each. */
    PollingLoop(Runnable round, List<VhostDevice> devices) {
        this.round = round;
        this.devices = devices;
    }

    void runOnce() {
        try {
            round.run();
        } catch (InternalError late) {
            if (!VhostDevice.isMemoryFault(late)) {
                throw late;
            }
            // Fences the queues of the guest whose memory is gone.
            devices.forEach(VhostDevice::checkMemory);
        }
    }
}
