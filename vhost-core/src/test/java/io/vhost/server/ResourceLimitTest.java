package io.vhost.server;

import static io.vhost.protocol.RawPeer.NEED_REPLY;
import static io.vhost.protocol.RawPeer.PLAIN;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.device.VhostConfig;
import io.vhost.limit.Limit;
import io.vhost.limit.ResourceLimits;
import io.vhost.limit.ResourceUsage;
import io.vhost.limit.account.ResourceAccount;
import io.vhost.os.Descriptor;
import io.vhost.os.MemFd;
import io.vhost.os.UnixListener;
import io.vhost.os.UnixSocket;
import io.vhost.protocol.RawPeer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** One too many of each: exactly that is refused, the others go on, and there is room again afterwards. */
class ResourceLimitTest extends ServerFixture {
    private static final int SET_PROTOCOL_FEATURES = 16;
    private static final int SET_MEM_TABLE = 5;
    private static final int SET_LOG_BASE = 6;
    private static final int SET_VRING_CALL = 13;
    private static final int SET_VRING_ERR = 14;
    private static final int ADD_MEM_REG = 37;
    private static final int REM_MEM_REG = 38;
    private static final long REPLY_ACK = 1 << 3;
    private static final long LOG_SHMFD = 1 << 1;
    private static final long MEM_SLOTS = 1 << 15;
    private static final long NO_DESCRIPTOR = 0x100;
    private static final int PAGE = 4096;
    private static final long FAR = 0x7F00_0000_0000L;

    private final ResourceAccount account = ResourceAccount.ofProcess();
    private final ResourceUsage before = account.usage();

    @AfterEach
    void everythingIsGivenBack() throws InterruptedException {
        TestThreads.awaitNone(directory.toString());
        ResourceUsage after = account.usage();
        assertEquals(before.connections(), after.connections(), "connections");
        assertEquals(before.mappings(), after.mappings(), "mappings");
        assertEquals(before.mappedBytes(), after.mappedBytes(), "mapped bytes");
    }

    private static VhostConfig config(ResourceLimits.Builder limits) {
        return VhostConfig.builder().limits(limits.build()).build();
    }

    private void assertRefusals(Limit limit, int count) {
        long counted = account.usage().refusals().get(limit) - before.refusals().get(limit);
        assertEquals(count, counted, limit::name);
    }

    private RawPeer negotiated() {
        RawPeer peer = connect();
        ask(peer);
        peer.send(SET_PROTOCOL_FEATURES, PLAIN, REPLY_ACK | LOG_SHMFD | MEM_SLOTS);
        return peer;
    }

    /** Shares pages of one file as regions; whether that is accepted. */
    private static boolean share(RawPeer peer, Descriptor memory, int regions) {
        List<Object> table = new ArrayList<>(List.of(regions, 0));
        for (long i = 0; i < regions; i++) {
            table.addAll(List.of(i * PAGE, (long) PAGE, FAR + i * PAGE, i * PAGE));
        }
        int[] files = new int[regions];
        Arrays.fill(files, memory.fd());
        peer.sendBytes(RawPeer.message(SET_MEM_TABLE, NEED_REPLY, table.toArray()), files);
        return acknowledged(peer);
    }

    private static boolean region(RawPeer peer, int request, Descriptor memory, long page) {
        byte[] message = RawPeer.message(request, NEED_REPLY,
                0L, page * PAGE, (long) PAGE, FAR + page * PAGE, page * PAGE);
        if (request == ADD_MEM_REG) {
            peer.sendBytes(message, memory.fd());
        } else {
            peer.sendBytes(message);
        }
        return acknowledged(peer);
    }

    private static boolean acknowledged(RawPeer peer) {
        RawPeer.Answer answer = peer.receive();
        assertNotNull(answer, "the connection goes on");
        return answer.u64() == 0;
    }

    private static void awaitConnections(VhostServer server, int count) {
        while (server.connectionCount() > count) {
            Thread.onSpinWait();
        }
    }

    @Test
    void connectionsOfAServer() throws Exception {
        try (VhostServer server =
                        VhostServer.listen(path, config(ResourceLimits.builder().connections(2)), DEAF);
                RawPeer first = connect()) {
            ask(first);
            try (RawPeer second = connect(); RawPeer third = connect()) {
                ask(second);
                assertNull(third.receive(), "one too many");
                ask(first);
                ask(second);
            }
            awaitConnections(server, 1);
            assertEquals(1, server.refusedConnections());
            assertRefusals(Limit.CONNECTIONS, 1);
            try (RawPeer later = connect()) {
                ask(later);
                ask(first);
            }
        }
    }

    @Test
    void connectionsOfTheProcess() throws Exception {
        int all = (int) before.connections() + 2;
        VhostConfig config = config(ResourceLimits.builder().processConnections(all));
        try (VhostServer one = VhostServer.listen(path, config, DEAF);
                VhostServer other = VhostServer.listen(directory.resolve("other"), config, DEAF);
                RawPeer first = connect()) {
            ask(first);
            try (RawPeer second = new RawPeer(UnixSocket.connect(other.path()))) {
                ask(second);
                try (RawPeer third = connect()) {
                    assertNull(third.receive(), "one too many");
                }
                assertEquals(1, one.refusedConnections());
                ask(first);
                ask(second);
            }
            awaitConnections(other, 0);
            try (RawPeer later = connect()) {
                ask(later);
            }
            assertRefusals(Limit.PROCESS_CONNECTIONS, 1);
        }
    }

    @Test
    void aClientConnectsWhenThereIsAPlaceForIt() throws Exception {
        int all = (int) before.connections() + 1;
        VhostConfig config = config(ResourceLimits.builder().processConnections(all));
        try (UnixListener frontEnd = UnixListener.bind(directory.resolve("front"));
                VhostServer _ = VhostServer.listen(path, config, DEAF)) {
            RawPeer peer = connect();
            ask(peer);
            try (VhostClient client = VhostClient.connect(frontEnd.path(), config, DEAF)) {
                while (account.usage().refusals().get(Limit.PROCESS_CONNECTIONS)
                        .equals(before.refusals().get(Limit.PROCESS_CONNECTIONS))) {
                    Thread.onSpinWait();
                }
                assertFalse(client.isConnected());
                ask(peer);
                peer.close();
                try (RawPeer served = new RawPeer(frontEnd.accept())) {
                    ask(served);
                }
            }
        }
    }

    @Test
    void regionsOfAConnection() throws Exception {
        try (VhostServer _ = VhostServer.listen(path, config(ResourceLimits.builder().regions(2)), DEAF);
                Descriptor memory = MemFd.create("limits", 8 * PAGE);
                RawPeer peer = negotiated();
                RawPeer other = negotiated()) {
            assertTrue(share(peer, memory, 2));
            assertFalse(share(peer, memory, 3));
            assertTrue(share(peer, memory, 2), "a full table is replaced by another");
            assertFalse(region(peer, ADD_MEM_REG, memory, 2));
            assertTrue(region(peer, REM_MEM_REG, memory, 1));
            assertTrue(region(peer, ADD_MEM_REG, memory, 2));
            assertTrue(share(other, memory, 2));
            peer.send(36, PLAIN);
            assertEquals(2, peer.receive().u64(), "slots on offer");
            assertRefusals(Limit.REGIONS, 2);
        }
    }

    @Test
    void mappingsOfTheProcess() throws Exception {
        int all = (int) before.mappings() + 4;
        try (VhostServer server =
                        VhostServer.listen(path, config(ResourceLimits.builder().processMappings(all)), DEAF);
                Descriptor memory = MemFd.create("limits", 8 * PAGE);
                RawPeer other = negotiated()) {
            assertTrue(share(other, memory, 1));
            try (RawPeer peer = negotiated()) {
                assertFalse(share(peer, memory, 4));
                assertTrue(share(peer, memory, 3));
                assertFalse(region(other, ADD_MEM_REG, memory, 1));
                assertTrue(region(peer, REM_MEM_REG, memory, 2), "needing less is never refused");
                peer.sendWithFiles(RawPeer.message(SET_LOG_BASE, PLAIN, 4096L, 0L), 1);
                assertNotNull(peer.receive(), "the log takes the last one");
                assertEquals(all, account.usage().mappings());
                assertFalse(region(peer, ADD_MEM_REG, memory, 5));
                peer.sendWithFiles(RawPeer.message(SET_LOG_BASE, PLAIN, 4096L, 0L), 1);
                assertNull(peer.receive(), "a log that is refused ends the connection");
            }
            awaitConnections(server, 1);
            assertTrue(region(other, ADD_MEM_REG, memory, 1));
            assertRefusals(Limit.PROCESS_MAPPINGS, 4);
        }
    }

    /** Those who connect to one socket cannot take what those at another need. */
    @Test
    void aServerTakesItsPartAndLeavesTheRest() throws Exception {
        VhostConfig config = config(ResourceLimits.builder().serverMappings(2).serverDescriptors(6));
        try (VhostServer greedy = VhostServer.listen(path, config, DEAF);
                VhostServer modest = VhostServer.listen(directory.resolve("modest"), config, DEAF);
                Descriptor memory = MemFd.create("limits", 8 * PAGE);
                RawPeer second = negotiated();
                RawPeer neighbour = new RawPeer(UnixSocket.connect(modest.path()))) {
            ask(neighbour);
            neighbour.send(SET_PROTOCOL_FEATURES, PLAIN, REPLY_ACK);
            try (RawPeer first = negotiated()) {
                assertTrue(share(first, memory, 2));
                assertFalse(share(second, memory, 1));
                assertTrue(eventFd(first, SET_VRING_CALL, 0));
                assertTrue(eventFd(second, SET_VRING_CALL, 0));
                assertFalse(eventFd(second, SET_VRING_CALL, 1));
                assertTrue(share(neighbour, memory, 2));
                assertTrue(eventFd(neighbour, SET_VRING_CALL, 0));
                assertRefusals(Limit.SERVER_MAPPINGS, 1);
                assertRefusals(Limit.SERVER_DESCRIPTORS, 1);
            }
            awaitConnections(greedy, 1);
            assertTrue(share(second, memory, 2));
            assertTrue(eventFd(second, SET_VRING_CALL, 1));
        }
    }

    @Test
    void mappedBytesOfAServer() throws Exception {
        VhostConfig config = config(ResourceLimits.builder().serverMappedBytes(2 * PAGE));
        try (VhostServer _ = VhostServer.listen(path, config, DEAF);
                VhostServer modest = VhostServer.listen(directory.resolve("modest"), config, DEAF);
                Descriptor memory = MemFd.create("limits", 8 * PAGE);
                RawPeer first = negotiated();
                RawPeer second = negotiated();
                RawPeer neighbour = new RawPeer(UnixSocket.connect(modest.path()))) {
            ask(neighbour);
            neighbour.send(SET_PROTOCOL_FEATURES, PLAIN, REPLY_ACK);
            assertTrue(share(first, memory, 2));
            assertFalse(share(second, memory, 1));
            assertTrue(share(neighbour, memory, 2));
            assertRefusals(Limit.SERVER_MAPPED_BYTES, 1);
        }
    }

    @Test
    void mappedBytes() throws Exception {
        long all = before.mappedBytes() + 3 * PAGE;
        ResourceLimits.Builder limits =
                ResourceLimits.builder().mappedBytes(2 * PAGE).processMappedBytes(all);
        try (VhostServer server = VhostServer.listen(path, config(limits), DEAF);
                Descriptor memory = MemFd.create("limits", 8 * PAGE);
                RawPeer other = negotiated()) {
            assertTrue(share(other, memory, 1));
            try (RawPeer peer = negotiated()) {
                assertFalse(share(peer, memory, 3));
                assertTrue(share(peer, memory, 2));
                assertEquals(all, account.usage().mappedBytes());
                assertFalse(share(other, memory, 1), "the old table is there until the new one is");
            }
            awaitConnections(server, 1);
            assertTrue(share(other, memory, 1));
            assertRefusals(Limit.MAPPED_BYTES, 1);
            assertRefusals(Limit.PROCESS_MAPPED_BYTES, 1);
            other.send(SET_MEM_TABLE, NEED_REPLY, 0, 0);
            assertFalse(acknowledged(other));
            other.sendWithFiles(RawPeer.message(SET_MEM_TABLE, NEED_REPLY, 1, 0, FAR, -1L, FAR, 0L), 1);
            assertFalse(acknowledged(other), "a size beyond all bounds");
        }
    }

    @Test
    void descriptorsOfAConnection() throws Exception {
        ResourceLimits.Builder limits = ResourceLimits.builder().descriptors(4);    // one is the socket
        try (VhostServer _ = VhostServer.listen(path, config(limits), DEAF);
                Descriptor memory = MemFd.create("limits", 8 * PAGE);
                RawPeer peer = negotiated();
                RawPeer other = negotiated()) {
            assertTrue(region(peer, ADD_MEM_REG, memory, 0));
            assertTrue(eventFd(peer, SET_VRING_CALL, 0));
            assertTrue(eventFd(peer, SET_VRING_CALL, 1));
            assertFalse(eventFd(peer, SET_VRING_ERR, 0));
            assertFalse(region(peer, ADD_MEM_REG, memory, 1));
            assertTrue(eventFd(other, SET_VRING_CALL, 0));
            peer.send(SET_VRING_CALL, NEED_REPLY, NO_DESCRIPTOR | 1);
            assertTrue(acknowledged(peer));
            assertTrue(region(peer, ADD_MEM_REG, memory, 1));
            assertTrue(region(peer, REM_MEM_REG, memory, 0));
            assertTrue(eventFd(peer, SET_VRING_ERR, 0));
            assertRefusals(Limit.DESCRIPTORS, 2);
        }
    }

    private static boolean eventFd(RawPeer peer, int request, long ring) {
        peer.sendWithFiles(RawPeer.message(request, NEED_REPLY, ring), 1);
        return acknowledged(peer);
    }

    @Test
    void descriptorsOfTheProcess() throws Exception {
        // Both ends of each connection are open here; a server has three descriptors without connections.
        int all = (int) before.descriptors() + 3 + 4;
        VhostConfig config = config(ResourceLimits.builder().processDescriptors(all));
        try (VhostServer server = VhostServer.listen(path, config, DEAF);
                RawPeer first = negotiated()) {
            ask(first);
            try (RawPeer second = negotiated()) {
                ask(second);
                assertEquals(all, account.usage().descriptors());
                assertFalse(eventFd(second, SET_VRING_CALL, 0));
                try (RawPeer third = connect()) {
                    assertNull(third.receive(), "one too many");
                }
                ask(first);
                ask(second);
            }
            awaitConnections(server, 1);
            assertTrue(eventFd(first, SET_VRING_CALL, 0));
            assertRefusals(Limit.PROCESS_DESCRIPTORS, 2);
            assertEquals(1, server.refusedConnections());
        }
    }
}
