package io.vhost.server;

import io.vhost.device.DeviceListener;
import io.vhost.device.VhostDevice;
import io.vhost.device.VirtQueue;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** Does the same in each callback of a listener, and keeps their names. */
abstract class EachCallback implements DeviceListener {
    static final List<String> NAMES = List.of("newConnection", "featuresChanged", "vringStateChanged",
            "newDevice", "destroyDevice", "destroyConnection");

    final Set<String> called = ConcurrentHashMap.newKeySet();

    abstract void in(String callback);

    private void call(String callback) {
        called.add(callback);
        in(callback);
    }

    @Override
    public void newConnection(VhostDevice device) {
        call("newConnection");
    }

    @Override
    public void featuresChanged(VhostDevice device, long features) {
        call("featuresChanged");
    }

    @Override
    public void vringStateChanged(VirtQueue queue, boolean enabled) {
        call("vringStateChanged");
    }

    @Override
    public void newDevice(VhostDevice device) {
        call("newDevice");
    }

    @Override
    public void destroyDevice(VhostDevice device) {
        call("destroyDevice");
    }

    @Override
    public void destroyConnection(VhostDevice device) {
        call("destroyConnection");
    }
}
