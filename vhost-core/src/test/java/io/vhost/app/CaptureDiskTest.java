package io.vhost.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.app.cli.EndSignal;
import io.vhost.driver.DriverConfig;
import io.vhost.driver.VirtioUser;
import io.vhost.peer.MainProcess;
import io.vhost.peer.Peers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A capture to a small file system: what fits is whole, and packets go on. */
@Tag("peer") // mount, capinfos
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class CaptureDiskTest {
    @TempDir
    private Path directory;

    private static String run(String... command) throws Exception {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), () -> Arrays.toString(command) + "\n" + text);
        return text;
    }

    @Test
    void aFileOnAFullDiskIsWhole() throws Exception {
        Peers.require("mount", "umount", "capinfos", "tshark");
        Peers.requireTap();   // asks for root
        Path disk = Files.createDirectory(directory.resolve("disk"));
        run("mount", "-t", "tmpfs", "-o", "size=64k", "none", disk.toString());
        try {
            Path file = disk.resolve("a.pcapng");
            Path socket = directory.resolve("a.sock");
            EndSignal end = new EndSignal();
            AtomicReference<CommandRun> result = new AtomicReference<>();
            Thread thread = Thread.ofPlatform().start(() -> result.set(CommandRun.of(end, "forward",
                    "--socket-path", socket.toString(), "--quiet", "--capture", "0=" + file)));
            MainProcess.awaitListening(socket);
            try (VirtioUser driver = VirtioUser.connect(socket, DriverConfig.defaults())) {
                int[] lengths = new int[50];
                Arrays.fill(lengths, 1001);
                for (int i = 0; i < 4; i++) {
                    CaptureOptionTest.echo(driver, lengths);
                }
            } finally {
                end.raise();
                thread.join();
            }
            CommandRun run = result.get();
            assertEquals(0, run.status(), run::toString);
            assertTrue(run.out().contains("failed: write(" + file + "): ENOSPC"), run::toString);
            String count = run("capinfos", "-c", "-M", "-r", "-T", file.toString()).strip().split("\t")[1];
            int packets = Integer.parseInt(count);
            assertTrue(packets > 30 && packets < 64, count);
            assertTrue(run.out().lines().anyMatch(line ->
                    line.matches(" +port 0 in queue 0 +\\d+ +\\d+ +\\d+ +" + packets)), run::toString);
            // It complains of a file that is cut off.
            assertEquals(packets, run("sh", "-c", "exec tshark -r " + file + " -T fields -e frame.len"
                    + " 2> " + directory.resolve("complaints")).lines().count());
            assertTrue(!Files.readString(directory.resolve("complaints")).contains("cut short"));
        } finally {
            run("umount", disk.toString());
        }
    }
}
