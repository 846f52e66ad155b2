package example;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.vhost.device.DeviceListener;
import io.vhost.device.VirtQueue;

/** Calls a method that needs a lock, with it and without: only the second is refused. */
final class Unlocked implements DeviceListener {
    @Override
    @GuardedBy("queue.access_lock")
    public void vringStateChanged(VirtQueue queue, boolean enabled) {
        queue.registerAsyncThreadUnsafe();
    }

    void refused(VirtQueue queue) {
        queue.unregisterAsyncThreadUnsafe();
    }
}
