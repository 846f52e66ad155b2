package io.vhost.monitor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.monitor.json.InputBudget;
import io.vhost.monitor.json.JsonReader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What many clients may hold together, and what each of them may leave running. */
@Timeout(120)
class CrowdTest {
    private static final int HOSTILE = 15;
    private static final long COMMON = 8 << 20;

    @TempDir
    private Path directory;

    private Path socket() {
        return directory.resolve("m");
    }

    @Test
    void halfMessagesOfAllClientsAreBoundedInTheirSumAndASmallOneIsAlwaysTaken() {
        try (Monitor _ = new Monitor(socket(), config -> config)) {
            List<Client> hostile = new ArrayList<>();
            try (Client witness = Client.negotiated(socket())) {
                for (int i = 0; i < HOSTILE; i++) {
                    Client client = Client.negotiated(socket());
                    hostile.add(client);
                    client.send("['" + "x".repeat(1_000_000) + "',");
                }
                assertBounded(witness);
                assertTrue(witness.call("{'execute':'query-version'}").contains("package"));
                for (Client client : hostile) {
                    // Some were refused, and know why; all can go on at once.
                    client.send("\u0001{'execute':'query-name','id':'alive'}");
                    Map<?, ?> answer = client.answer();
                    while (!"alive".equals(answer.get("id"))) {
                        assertTrue(answer.containsKey("error"), answer::toString);
                        answer = client.answer();
                    }
                }
            } finally {
                hostile.forEach(Client::close);
            }
        }
    }

    @Test
    void whatCommandsThatRunWereGivenCountsUntilTheyEndAlsoWhenTheirClientsHaveLeft() {
        try (Monitor monitor = new Monitor(socket(),
                config -> config.maxClients(4).messageLimit(600_000, 64));
                Client witness = Client.negotiated(socket())) {
            String hold = "{'execute':'x-hold','arguments':{'value':'" + "x".repeat(590_000) + "'}}";
            int held = 0;
            while (held < 20) {
                Client client = Client.negotiated(socket());
                client.send(hold);
                String refusal = awaitHeldOrRefused(monitor, held + 1, client);
                client.close();
                if (refusal != null) {
                    assertEquals(JsonReader.CROWDED, refusal);
                    break;
                }
                held++;
            }
            assertTrue(held >= 3 && held < 10, held + " commands hold 600,000 bytes each");
            assertTrue(witness.call("{'execute':'query-version'}").contains("package"));
            monitor.release.release(held);
            while (monitor.holding.get() > 0) {
                Thread.onSpinWait();
            }
            boolean taken;
            do {
                // What ended has been given back when the monitor's thread has heard of it.
                taken = takes(witness, "{'execute':'x-echo','arguments':{'value':['" + "x".repeat(590_000)
                        + "']}}");
            } while (!taken);
        }
    }

    /** Whether a message is answered by a result; whatever else it is answered by is read, too. */
    private static boolean takes(Client client, String message) {
        Thread sender = Thread.ofPlatform().start(
                () -> client.send(message).send("\u0001{'execute':'query-name','id':'mark'}"));
        boolean taken = false;
        Map<?, ?> answer = client.answer();
        while (!"mark".equals(answer.get("id"))) {
            taken |= answer.containsKey("return");
            answer = client.answer();
        }
        try {
            sender.join();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
        return taken;
    }

    private static String awaitHeldOrRefused(Monitor monitor, int count, Client client) {
        while (monitor.holding.get() < count) {
            // Either the command holds, and nothing comes; or what comes is its refusal.
            if (client.isReadable()) {
                Object error = client.answer().get("error");
                return (String) ((Map<?, ?>) error).get("desc");
            }
            Thread.onSpinWait();
        }
        return null;
    }

    @Test
    void commandsOfClientsThatHaveLeftAreBoundedInNumber() {
        int most = 9 * 8 + 1;
        try (Monitor monitor = new Monitor(socket(), config -> config.maxClients(2));
                Client witness = Client.negotiated(socket())) {
            for (int i = 0; i < most; i++) {
                try (Client client = negotiatedSoon()) {
                    client.send("{'execute':'x-slow'}");
                    while (monitor.slowRuns.get() <= i) {
                        Thread.onSpinWait();
                    }
                }
            }
            assertEquals("too many commands are under way; send it again later",
                    witness.errorText("{'execute':'query-version'}"));
            monitor.release.release(most);
            String refusal;
            do {
                refusal = witness.errorText("{'execute':'query-version'}");
            } while (refusal != null);
        }
    }

    private Client negotiatedSoon() {
        while (true) {
            Client client = Client.connect(socket());
            if (client.line() != null) {
                client.call("{'execute':'qmp_capabilities'}");
                return client;
            }
            client.close();
        }
    }

    private static void assertBounded(Client witness) {
        witness.send("{'execute':'x-query-monitor'}");
        long beyond = 0;
        long all = 0;
        for (Object session : (List<?>) witness.answer().get("return")) {
            long held = (Long) ((Map<?, ?>) session).get("in-bytes");
            all += held;
            beyond += Math.max(0, held - InputBudget.OWN);
        }
        assertTrue(beyond <= COMMON, beyond + " bytes beyond what is their own");
        assertTrue(all > COMMON / 2, all + " bytes: the clients hold something");
    }
}
