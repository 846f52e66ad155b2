package io.vhost.monitor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.os.Descriptor;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The invariants of a session: what belongs to one client never reaches another. */
@Timeout(120)
class SessionTest {
    private static final String VERSION = "{\"execute\":\"query-version\"}";
    private static final String SLOW = "{\"execute\":\"x-slow\",\"id\":\"A8\"}";
    private static final String LARGE = "{\"execute\":\"x-large\"}";
    private static final int LARGE_COUNT = 40;

    @TempDir
    private Path directory;

    private Path socket() {
        return directory.resolve("monitor");
    }

    private Monitor monitor() {
        return new Monitor(socket(), config -> config);
    }

    @Test
    void i1EachClientIsGreetedOnceAndFirst() {
        try (Monitor _ = monitor(); Client client = Client.connect(socket())) {
            assertTrue(client.line().startsWith("{\"QMP\""));
            client.endInput();
            assertEquals(List.of(), client.rest());
        }
    }

    @Test
    void i2i3aTheGreetingOfAClientThatDiedWhileItWaitedReachesNobody() {
        try (Monitor _ = new Monitor(socket(), MonitorConfig.Builder::exclusive)) {
            Client first = Client.negotiated(socket());
            Client.connect(socket()).close();
            first.close();
            try (Client last = Client.connect(socket())) {
                last.endInput();
                assertEquals(1, last.rest().size());
            }
        }
    }

    @Test
    void i3bTheRestOfAnAnswerThatWasNotReadReachesNobody() {
        try (Monitor _ = new Monitor(socket(), MonitorConfig.Builder::exclusive)) {
            Client first = Client.negotiated(socket());
            first.send(LARGE + LARGE + LARGE).octet();
            first.close();
            assertGreetedOnly();
        }
    }

    @Test
    void i3ci15TheAnswerOfACommandThatStillRunsReachesNobodyAndTheCommandRunsOnce()
            throws InterruptedException {
        try (Monitor monitor = new Monitor(socket(), MonitorConfig.Builder::exclusive)) {
            Client first = Client.negotiated(socket());
            first.send(SLOW);
            monitor.began.await();
            first.close();
            try (Client next = Client.connect(socket())) {
                next.line();
                monitor.release.release();
                assertEquals("{\"return\": {}}",
                        next.call("{\"execute\":\"qmp_capabilities\"}"));
                assertTrue(next.call(VERSION).contains("package"));
                next.endInput();
                assertEquals(List.of(), next.rest());
            }
            assertEquals(1, monitor.slowRuns.get());
        }
    }

    @Test
    void i3dEventsOfBeforeDoNotReachTheNextClient() {
        try (Monitor monitor = new Monitor(socket(), MonitorConfig.Builder::exclusive)) {
            try (Client first = Client.negotiated(socket())) {
                monitor.server.publish("X_ONE", Map.of());
                assertTrue(first.line().contains("X_ONE"));
            }
            monitor.server.publish("X_TWO", Map.of());
            assertGreetedOnly();
        }
    }

    @Test
    void i3eAnUnfinishedLineOfTextDoesNotReachTheNextClient() {
        try (Monitor _ = new Monitor(socket(), config -> config.mode(MonitorConfig.Mode.HMP).exclusive())) {
            try (Client first = Client.connect(socket())) {
                first.until("(vhost) ");
                first.send("info ver");
            }
            try (Client next = Client.connect(socket())) {
                next.until("(vhost) ");
                next.send("info name\n");
                assertEquals("", next.until("(vhost) "));
            }
        }
    }

    @Test
    void i4i17AnUnfinishedMessageIsForgottenAndNotRun() {
        try (Monitor monitor = new Monitor(socket(), MonitorConfig.Builder::exclusive)) {
            try (Client first = Client.negotiated(socket())) {
                first.send("{\"execute\":\"x-slow\"");
                first.endInput();
                assertEquals(List.of(), first.rest());
            }
            try (Client next = Client.negotiated(socket())) {
                assertTrue(next.call(VERSION).contains("package"));
            }
            assertEquals(0, monitor.slowRuns.get());
        }
    }

    @Test
    void i5CapabilitiesAreTheClientsOwn() {
        try (Monitor _ = new Monitor(socket(), MonitorConfig.Builder::exclusive)) {
            Client.outOfBand(socket()).close();
            try (Client next = Client.connect(socket())) {
                next.line();
                assertEquals("CommandNotFound", next.errorClass(VERSION));
                next.call("{\"execute\":\"qmp_capabilities\"}");
                assertEquals("QMP input member 'exec-oob' is unexpected",
                        next.errorText("{\"exec-oob\":\"x-query-monitor\"}"));
            }
        }
    }

    @Test
    void i6ASlowReaderLosesNothingAndKeepsTheOrder() {
        try (Monitor _ = monitor(); Client client = Client.negotiated(socket())) {
            Thread sender = Thread.ofPlatform().start(() -> {
                for (int i = 0; i < LARGE_COUNT; i++) {
                    client.send("{\"execute\":\"x-large\",\"id\":" + i + "}");
                }
            });
            for (int i = 0; i < LARGE_COUNT; i++) {
                Map<?, ?> answer = client.answer();
                assertEquals((long) i, answer.get("id"));
                assertEquals(Monitor.LARGE, ((String) answer.get("return")).length());
            }
            assertTrue(joined(sender));
        }
    }

    @Test
    void i7SingleBytesAreAsGoodAsLargePieces() {
        try (Monitor _ = monitor(); Client client = Client.negotiated(socket())) {
            for (byte octet : VERSION.getBytes(StandardCharsets.US_ASCII)) {
                client.send(octet);
            }
            assertTrue(client.line().contains("package"));
        }
    }

    @Test
    void i7AnAnswerCanBeReadByteByByte() {
        try (Monitor _ = monitor(); Client client = Client.negotiated(socket()).readingBytes()) {
            client.send("{\"execute\":\"x-large\",\"id\":1}{\"execute\":\"query-name\",\"id\":2}");
            Map<?, ?> answer = client.answer();
            assertEquals(1L, answer.get("id"));
            assertEquals("x".repeat(Monitor.LARGE), answer.get("return"));
            assertEquals(2L, client.answer().get("id"));
            client.endInput();
            assertNull(client.line());
        }
    }

    /** All of an answer that is more than a session may keep can go at once, and then nothing wakes it. */
    @Test
    void whatWaitsBehindAnAnswerThatGoesAtOnceIsDone() {
        String value = "y".repeat(2000);
        try (Monitor _ = new Monitor(socket(), config -> config.outputLimit(1024));
                Client client = Client.negotiated(socket())) {
            String command = "{\"execute\":\"x-echo\",\"arguments\":{\"value\":\"" + value + "\"}}";
            client.send(command.repeat(20));
            for (int i = 0; i < 20; i++) {
                assertEquals(value, client.answer().get("return"));
            }
        }
    }

    @Test
    void i8i9i18AClientThatNeverReadsCostsABoundedAmountAndLearnsWhatItMissed() throws InterruptedException {
        int limit = 16 * 1024;
        try (Monitor monitor = new Monitor(socket(), config -> config.outputLimit(limit));
                Client deaf = Client.negotiated(socket());
                Client other = Client.negotiated(socket())) {
            deaf.send("{\"execute\":\"x-large\"}".repeat(100));
            await(() -> sessions(other).stream().anyMatch(s -> number(s, "out-bytes") > limit));
            for (int i = 0; i < 1000; i++) {
                monitor.server.publish("X_TICK", Map.of("number", i));
            }
            await(() -> sessions(other).stream().anyMatch(s -> number(s, "events-dropped") > 0));
            for (Map<?, ?> session : sessions(other)) {
                assertTrue(number(session, "out-peak") <= limit + Monitor.LARGE + 100, session::toString);
            }
            int large = 0;
            boolean told = false;
            while (large < 100 || !told) {
                String line = deaf.line();
                large += line.length() > Monitor.LARGE ? 1 : 0;
                told |= line.contains("VHOST_EVENTS_DROPPED");
            }
        }
    }

    @Test
    void i10i11AClientThatDiesWithUnreadOutputLeavesNothing() {
        int before = Descriptor.openDescriptors();
        try (Monitor _ = monitor(); Client witness = Client.negotiated(socket())) {
            int withOne = Descriptor.openDescriptors();
            for (int i = 0; i < 20; i++) {
                Client client = Client.negotiated(socket());
                client.send(LARGE + LARGE + LARGE);
                client.octet();
                client.close();
            }
            await(() -> sessions(witness).size() == 1);
            assertEquals(withOne, Descriptor.openDescriptors());
        }
        assertEquals(before, Descriptor.openDescriptors());
    }

    @Test
    void i12OneClientTooManyIsRefusedPromptlyAndPlacesAreGivenBack() {
        try (Monitor _ = new Monitor(socket(), config -> config.maxClients(3))) {
            for (int round = 0; round < 5; round++) {
                try (Client one = Client.negotiated(socket()); Client two = Client.negotiated(socket())) {
                    try (Client three = Client.negotiated(socket()); Client four = Client.connect(socket())) {
                        assertNull(four.line());
                        assertTrue(three.call(VERSION).contains("package"));
                    }
                    await(() -> sessions(one).size() == 2);
                    assertTrue(two.call(VERSION).contains("package"));
                }
                try (Client alone = awaitNegotiated()) {
                    await(() -> sessions(alone).size() == 1);
                }
                awaitNegotiated().close();
            }
        }
    }

    @Test
    void i13DeadClientsInTheBacklogTakeNoPlaces() {
        try (Monitor _ = new Monitor(socket(), config -> config.maxClients(2));
                Client attached = Client.negotiated(socket())) {
            for (int i = 0; i < 100; i++) {
                Client.connect(socket()).close();
            }
            assertTrue(attached.call(VERSION).contains("package"));
            awaitNegotiated().close();
        }
    }

    /** As with QEMU: dead or alive, they wait in the kernel, which takes one more than the backlog. */
    @Test
    void inExclusiveModeTheBacklogIsOne() throws IOException {
        try (Monitor _ = new Monitor(socket(), MonitorConfig.Builder::exclusive)) {
            Client attached = Client.negotiated(socket());
            Client.connect(socket()).close();
            try (Client waiting = Client.connect(socket());
                    SocketChannel third = SocketChannel.open(StandardProtocolFamily.UNIX)) {
                third.configureBlocking(false);
                assertThrows(IOException.class, () -> third.connect(UnixDomainSocketAddress.of(socket())));
                attached.close();
                assertTrue(waiting.line().startsWith("{\"QMP\""));
            }
            assertGreetedOnly();
        }
    }

    @Test
    void i16AllCommandsSentBeforeTheEndOfInputAreAnswered() {
        try (Monitor _ = monitor(); Client client = Client.negotiated(socket())) {
            client.send(VERSION.repeat(5));
            client.endInput();
            assertEquals(5, client.rest().size());
        }
        try (Monitor _ = monitor(); Client client = Client.outOfBand(socket())) {
            client.send(VERSION.repeat(5));
            client.endInput();
            assertEquals(5, client.rest().size());
        }
    }

    @Test
    void i18NoEventComesBeforeTheAnswerToNegotiation() {
        try (Monitor monitor = monitor(); Client client = Client.connect(socket())) {
            client.line();
            monitor.server.publish("X_EARLY", Map.of());
            assertEquals("CommandNotFound", client.errorClass(VERSION));
            assertTrue(client.call("{\"execute\":\"qmp_capabilities\"}").startsWith("{\"return\""));
            monitor.server.publish("X_LATE", Map.of());
            assertTrue(client.line().contains("X_LATE"));
        }
    }

    @Test
    void i19AnswersKeepTheOrderOfCommandsAndEventsStandBetweenThem() {
        try (Monitor monitor = monitor(); Client client = Client.outOfBand(socket())) {
            for (int i = 0; i < 8; i++) {
                client.send("{\"execute\":\"query-version\",\"id\":" + i + "}");
                monitor.server.publish("X_TICK", Map.of("number", i));
            }
            for (long i = 0; i < 8; i++) {
                assertEquals(i, client.answer().get("id"));
            }
        }
    }

    @Test
    void i20AClientThatLeavesWhileItsInputIsPausedLeavesNothingBehind() throws InterruptedException {
        try (Monitor monitor = new Monitor(socket(), MonitorConfig.Builder::exclusive)) {
            Client first = Client.negotiated(socket());
            first.send(SLOW + VERSION.repeat(50));
            monitor.began.await();
            first.close();
            assertGreetedOnly();
        }
    }

    @Test
    void i21TheEndTellsClientsAndRemovesTheFileAndALiveMonitorIsNotReplaced() throws IOException {
        Client client;
        try (Monitor _ = monitor()) {
            client = Client.negotiated(socket());
            client.send("{\"execute\":\"x-large\"}");
            assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(socket())));
            assertThrows(IOException.class,
                    () -> MonitorServer.listen(socket(), MonitorConfig.builder().build()));
            assertEquals(Monitor.LARGE, ((String) client.answer().get("return")).length());
        }
        assertTrue(client.line().contains("SHUTDOWN"));
        assertNull(client.line());
        client.close();
        assertFalse(Files.exists(socket()));
        monitor().close();
    }

    @Test
    void i21WhatAClientIsOwedAtTheEndItGets() {
        Monitor monitor = monitor();
        try (monitor; Client client = Client.negotiated(socket());
                Client witness = Client.negotiated(socket())) {
            client.send("{\"execute\":\"x-large\",\"id\":0}{\"execute\":\"x-large\",\"id\":1}");
            await(() -> sessions(witness).stream().anyMatch(s -> number(s, "out-bytes") > 0));
            Thread end = Thread.ofPlatform().start(monitor::close);
            for (long id = 0; id < 2; id++) {
                Map<?, ?> answer = client.answer();
                assertEquals(id, answer.get("id"));
                assertEquals(Monitor.LARGE, ((String) answer.get("return")).length());
            }
            assertTrue(client.line().contains("SHUTDOWN"));
            assertNull(client.line());
            assertTrue(joined(end));
        }
    }

    @Test
    void i21AClientThatDoesNotReadDoesNotHoldUpTheEndAndTheNextStartWorks() {
        int before = Descriptor.openDescriptors();
        for (int i = 0; i < 2; i++) {
            Monitor monitor = monitor();
            try (Client deaf = Client.negotiated(socket()); Client witness = Client.negotiated(socket())) {
                deaf.send(LARGE + LARGE);
                await(() -> sessions(witness).stream().anyMatch(s -> number(s, "out-bytes") > 0));
                monitor.close();
                assertFalse(Files.exists(socket()));
            }
        }
        assertEquals(before, Descriptor.openDescriptors());
    }

    @Test
    void i21TheFileOfAMonitorThatCrashedIsReplaced() throws IOException {
        try (ServerSocketChannel crashed = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            crashed.bind(UnixDomainSocketAddress.of(socket()));
        }
        assertTrue(Files.exists(socket()), "closing does not remove it");
        try (Monitor _ = monitor()) {
            assertGreetedOnly();
        }
        assertFalse(Files.exists(socket()));
    }

    @Test
    void i22AStuckCommandHoldsUpNeitherOtherSessionsNorCommandsOutOfBand() throws InterruptedException {
        try (Monitor monitor = monitor();
                Client stuck = Client.outOfBand(socket());
                Client other = Client.negotiated(socket())) {
            stuck.send(SLOW);
            monitor.began.await();
            assertTrue(other.call(VERSION).contains("package"));
            assertTrue(stuck.call("{\"exec-oob\":\"x-query-monitor\",\"id\":1}").contains("peer-uid"));
            monitor.release.release();
            assertEquals("A8", stuck.answer().get("id"));
        }
    }

    private void assertGreetedOnly() {
        try (Client client = Client.connect(socket())) {
            client.endInput();
            List<String> lines = client.rest();
            assertEquals(1, lines.size(), lines::toString);
            assertTrue(lines.getFirst().startsWith("{\"QMP\""), lines::toString);
        }
    }

    /** A client that is served as soon as places are free. */
    private Client awaitNegotiated() {
        while (true) {
            Client client = Client.connect(socket());
            if (client.line() != null) {
                client.call("{\"execute\":\"qmp_capabilities\"}");
                return client;
            }
            client.close();
            Thread.onSpinWait();
        }
    }

    private static List<Map<?, ?>> sessions(Client client) {
        client.send("{\"execute\":\"x-query-monitor\"}");
        List<Map<?, ?>> sessions = new ArrayList<>();
        ((List<?>) client.answer().get("return")).forEach(session -> sessions.add((Map<?, ?>) session));
        return sessions;
    }

    private static long number(Map<?, ?> object, String name) {
        return ((Number) object.get(name)).longValue();
    }

    private static void await(BooleanSupplier condition) {
        while (!condition.getAsBoolean()) {
            Thread.onSpinWait();
        }
    }

    private static boolean joined(Thread thread) {
        try {
            thread.join();
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }
}
