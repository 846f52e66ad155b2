package io.vhost.example;

import io.vhost.monitor.MonitorConfig;
import io.vhost.monitor.MonitorServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Opens a monitor, or says what is missing. A program of its own, as {@link EchoRun}. */
public final class MonitorRun {
    private MonitorRun() {}

    public static void main(String[] args) throws IOException {
        Path directory = Files.createTempDirectory("vhost");
        try (MonitorServer _ = MonitorServer.listen(
                directory.resolve("monitor"), MonitorConfig.builder().build())) {
            System.out.println("listening");
        } catch (IllegalStateException missing) {
            System.out.println(missing.getMessage());
        }
        Files.delete(directory);
    }
}
