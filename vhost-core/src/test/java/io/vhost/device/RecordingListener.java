package io.vhost.device;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** Writes down each callback and whose locks were held on entry. */
final class RecordingListener implements DeviceListener {
    final List<String> calls = new ArrayList<>();
    VhostDevice device;
    Consumer<String> action = call -> {};

    private void record(String call) {
        StringBuilder locks = new StringBuilder();
        for (int i = 0; device != null && i < device.queueCount(); i++) {
            int holds = device.queue(i).access_lock.getHoldCount();
            if (holds > 0) {
                locks.append(" lock ").append(i).append(holds == 1 ? "" : " held " + holds + " times");
            }
        }
        calls.add(call + locks);
        action.accept(call);
    }

    /** What was recorded since this was called last. */
    List<String> take() {
        List<String> taken = List.copyOf(calls);
        calls.clear();
        return taken;
    }

    @Override
    public void newConnection(VhostDevice called) {
        record("newConnection");
    }

    @Override
    public void featuresChanged(VhostDevice called, long features) {
        record("featuresChanged 0x" + Long.toHexString(features));
    }

    @Override
    public void newDevice(VhostDevice called) {
        record("newDevice");
    }

    @Override
    public void vringStateChanged(VirtQueue queue, boolean enabled) {
        record("vring " + queue.index() + (enabled ? " on" : " off"));
    }

    @Override
    public void destroyDevice(VhostDevice called) {
        record("destroyDevice");
    }

    @Override
    public void destroyConnection(VhostDevice called) {
        record("destroyConnection");
    }
}
