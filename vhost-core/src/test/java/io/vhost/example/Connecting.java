package io.vhost.example;

import io.vhost.driver.DriverConfig;
import io.vhost.driver.VirtioUser;
import java.io.IOException;
import java.nio.file.Path;

/** Guests of an example that is about to listen, without a connection that only tries. */
final class Connecting {
    private Connecting() {}

    /** The socket's file comes late, and is there a moment before anybody listens. */
    static VirtioUser to(Path socket) throws IOException {
        while (true) {
            try {
                return VirtioUser.connect(socket, DriverConfig.defaults());
            } catch (IOException e) {
                if (!e.getMessage().contains("ECONNREFUSED") && !e.getMessage().contains("ENOENT")) {
                    throw e;
                }
                Thread.onSpinWait();
            }
        }
    }
}
