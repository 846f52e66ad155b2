package io.vhost.monitor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.app.Await;
import io.vhost.device.DeviceListener;
import io.vhost.device.VhostConfig;
import io.vhost.device.VhostDevice;
import io.vhost.device.VirtQueue;
import io.vhost.driver.DriverConfig;
import io.vhost.driver.VirtioUser;
import io.vhost.server.VhostServer;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** An application whose devices are looked at is told what it would be told without that. */
@Timeout(60)
class MonitoredCallbacksTest {
    @TempDir
    private Path directory;

    private final List<String> calls = new CopyOnWriteArrayList<>();

    private final class Listener implements DeviceListener {
        @Override
        public void newConnection(VhostDevice device) {
            calls.add("newConnection");
        }

        @Override
        public void featuresChanged(VhostDevice device, long features) {
            calls.add("featuresChanged " + (features == device.features()));
        }

        @Override
        public void newDevice(VhostDevice device) {
            calls.add("newDevice");
        }

        @Override
        public void vringStateChanged(VirtQueue queue, boolean enabled) {
            calls.add("vringStateChanged " + queue.index() + " " + enabled);
        }

        @Override
        public void destroyDevice(VhostDevice device) {
            calls.add("destroyDevice");
        }

        @Override
        public void destroyConnection(VhostDevice device) {
            calls.add("destroyConnection");
        }
    }

    private List<String> of(DeviceListener listener, String socket) throws Exception {
        calls.clear();
        Path path = directory.resolve(socket);
        try (VhostServer _ = VhostServer.listen(path, VhostConfig.defaults(), listener)) {
            try (VirtioUser _ = VirtioUser.connect(path, DriverConfig.defaults())) {
                Await.until("the device", () -> calls.contains("newDevice"));
            }
            Await.until("its end", () -> calls.contains("destroyConnection"));
        }
        return List.copyOf(calls);
    }

    @Test
    void everyCallIsPassedOn() throws Exception {
        MonitoredDevices devices = new MonitoredDevices();
        List<String> watched = of(devices.watch(new Listener()), "watched");
        assertEquals(of(new Listener(), "alone"), watched);
        for (String call : List.of("newConnection", "featuresChanged true", "newDevice",
                "vringStateChanged 0 true", "vringStateChanged 1 true", "destroyDevice",
                "destroyConnection")) {
            assertTrue(watched.contains(call), () -> call + " in " + watched);
        }
    }

    @Test
    void theVersionIsInTheAnswer() {
        String text = Version.text();
        assertFalse(text.isBlank());
        assertEquals("vhost " + text, Version.describe().get("package"));
    }
}
