package io.vhost.example;

import io.vhost.driver.DriverConfig;
import io.vhost.driver.VirtioUser;
import io.vhost.net.Packet;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Runs {@link Echo}, sends it a packet and awaits that. A program of its own: tests start it with what an
 * application has on its paths, and nothing else.
 */
public final class EchoRun {
    private static final int LENGTH = 60;
    private static final int CONTENT = 0x5A;

    private EchoRun() {}

    public static void main(String[] args) throws IOException, InterruptedException {
        Path directory = Files.createTempDirectory("vhost");
        Path socket = directory.resolve("socket");
        Thread echo = Thread.ofPlatform().start(() -> listen(socket));
        try (VirtioUser guest = connect(socket, echo)) {
            Packet[] packets = {guest.pool().take()};
            packets[0].reset(LENGTH);
            packets[0].putByte(LENGTH - 1, CONTENT);
            guest.transmitBurst(0, packets, 0, 1);
            while (guest.receiveBurst(0, packets, 0, 1) == 0) {
                Thread.onSpinWait();
            }
            System.out.println(packets[0].byteAt(LENGTH - 1) == CONTENT ? "echoed" : "spoiled");
            packets[0].release();
        } finally {
            echo.interrupt();
            echo.join();
            Files.delete(directory);
        }
    }

    private static void listen(Path socket) {
        try {
            Echo.main(new String[] {socket.toString()});
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** There is nobody to connect to before the other thread listens. */
    private static VirtioUser connect(Path socket, Thread echo) throws IOException {
        while (true) {
            try {
                return VirtioUser.connect(socket, DriverConfig.defaults());
            } catch (IOException e) {
                if (!echo.isAlive()) {
                    throw e;
                }
                Thread.onSpinWait();
            }
        }
    }
}
