package io.vhost.app.vswitch;

import static org.junit.jupiter.api.Assertions.assertFalse;

import io.vhost.app.polling.StuckGuest;
import io.vhost.server.VhostServer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** {@code switch} ends although a guest's memory holds up a copy. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class LateCopyTest {
    @Test
    void aCopyThatDoesNotEndHoldsUpNoEnd(@TempDir Path directory) throws Exception {
        Path path = directory.resolve("guest");
        StuckGuest guest = new StuckGuest();
        Switch ethernet = new Switch(guest.config(), List.of("guest"),
                List.of((config, socket) -> VhostServer.listen(path, config, socket)::close), null,
                LearningSwitch.AGE, true);
        guest.comeAndGo(path);
        guest.assertEnds(ethernet);
        assertFalse(Files.exists(path));
    }
}
