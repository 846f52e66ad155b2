package io.vhost.monitor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.peer.MainProcess;
import io.vhost.peer.Program;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A program with little memory, whose monitor has clients that want it all. */
@Tag("slow")
@Timeout(180)
class MemoryPressureTest {
    private static final int DEFAULT = 1 << 20;
    private static final String VERSION = "{'execute':'query-version'}";

    @TempDir
    private Path directory;

    private Path socket() {
        return directory.resolve("m");
    }

    private Program start(int megabytes, int messageLimit) {
        Program program = MainProcess.start(
                List.of("-XX:+UseSerialGC", "-Xmx" + megabytes + "m", "-XX:TieredStopAtLevel=1"),
                MonitorProcess.class, socket().toString(), Integer.toString(messageLimit));
        program.await("listening");
        return program;
    }

    /** Once two such clients took 158 MB. */
    @Test
    void asManyClientsAsThereMayBeDoNotFillItWithWordsOrBytes() {
        List<Client> hostile = new ArrayList<>();
        try (Program program = start(48, DEFAULT); Client witness = Client.negotiated(socket())) {
            for (int i = 0; i < 15; i++) {
                Client client = Client.negotiated(socket());
                hostile.add(client);
                String message = switch (i % 3) {
                    case 0 -> "[" + "1,".repeat(DEFAULT / 2);
                    case 1 -> "[" + "{'a':1},".repeat(10_000);
                    default -> "['" + "x".repeat(1_000_000);
                };
                // Not read by the client, so not all of it is taken by a monitor that answers in between.
                Thread.ofPlatform().daemon().start(() -> sendWhatIsTaken(client, message));
            }
            for (int i = 0; i < 200; i++) {
                assertTrue(witness.call(VERSION).contains("package"));
            }
            assertFalse(program.output().contains("OutOfMemoryError"), program::output);
            hostile.forEach(Client::close);
            assertTrue(witness.call(VERSION).contains("package"));
        }
    }

    private static void sendWhatIsTaken(Client client, String message) {
        try {
            client.send(message);
        } catch (RuntimeException e) {
            // The client was closed, which ends this thread.
        }
    }

    @Test
    void aMessageThatTakesAllMemoryCostsItsClientAndNobodyElse() {
        try (Program program = start(32, 1 << 29); Client witness = Client.negotiated(socket())) {
            for (int i = 0; i < 3; i++) {
                try (Client client = Client.negotiated(socket())) {
                    sendWhatIsTaken(client, "'" + "x".repeat(64 << 20));
                    assertNull(client.line(), "it is closed");
                }
                program.await("is given up");
                assertTrue(witness.call(VERSION).contains("package"));
            }
            assertFalse(program.output().contains("has ended"), program::output);
        }
    }

    @Test
    void aCommandThatTakesAllMemoryFailsAndItsClientGoesOn() {
        try (Program program = start(48, DEFAULT); Client witness = Client.negotiated(socket());
                Client client = Client.negotiated(socket())) {
            for (int i = 0; i < 3; i++) {
                assertEquals("The command x-greedy failed: OutOfMemoryError",
                        client.errorText("{'execute':'x-greedy'}"));
                assertTrue(witness.call(VERSION).contains("package"));
            }
            assertFalse(program.output().contains("has ended"), program::output);
        }
    }

    @Test
    void aResultForWhichThereIsNoRoomIsAnErrorOrTheEndOfItsClientAndNobodyElses() {
        try (Program program = start(48, DEFAULT); Client witness = Client.negotiated(socket())) {
            for (int i = 0; i < 3; i++) {
                try (Client client = Client.negotiated(socket())) {
                    client.send("{'execute':'x-result'}");
                    String line = client.line();
                    assertTrue(line == null || line.contains("OutOfMemoryError"), line);
                }
                assertTrue(witness.call(VERSION).contains("package"));
            }
            assertFalse(program.output().contains("has ended"), program::output);
        }
    }
}
