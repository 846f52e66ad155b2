package io.vhost.app.forward;

import static org.junit.jupiter.api.Assertions.assertFalse;

import io.vhost.app.polling.StuckGuest;
import io.vhost.server.VhostServer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** {@code forward} ends although a guest's memory holds up a copy. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class LateCopyTest {
    @Test
    void aCopyThatDoesNotEndHoldsUpNoEnd(@TempDir Path directory) throws Exception {
        Path path = directory.resolve("port0");
        StuckGuest guest = new StuckGuest();
        Forwarder forwarder = new Forwarder(guest.config(), List.of("port0"),
                List.of((config, port) -> VhostServer.listen(path, config, port)), false, List.of(), _ -> {});
        guest.comeAndGo(path);
        guest.assertEnds(forwarder);
        assertFalse(Files.exists(path));
    }
}
