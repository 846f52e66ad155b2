package io.vhost.app.forward;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.vhost.app.Await;
import io.vhost.app.polling.DmaKind;
import io.vhost.bpf.Clang;
import io.vhost.device.ProgramChain;
import io.vhost.device.ProgramLink;
import io.vhost.device.Verdict;
import io.vhost.device.VhostConfig;
import io.vhost.dma.DmaRegistry;
import io.vhost.peer.Counters;
import io.vhost.peer.TestPmd;
import io.vhost.program.ProgramObject;
import io.vhost.server.VhostServer;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * DPDK's virtio-user behind {@code forward} with eBPF programs: nothing is lost, and each packet counted
 * once.
 */
@Tag("peer")
class DpdkProgramTest {
    private static final Duration TIME = Duration.ofMillis(500);
    private static final int SIZE = 64;

    @TempDir
    private Path directory;

    @BeforeEach
    void needs() {
        TestPmd.require();
    }

    private Forwarder forwarder(VhostConfig config) throws IOException {
        Path socket = directory.resolve("socket");
        return new Forwarder(config, List.of("port"),
                List.of((offer, listener) -> VhostServer.listen(socket, offer, listener)), false, List.of(),
                _ -> {});
    }

    private ProgramLink attach(Forwarder forwarder, String verdict) throws Exception {
        Path object = Clang.compile(directory, "program", """
                static long (*redirect)(__u32, __u64) = (void *) 23;
                SEC("xdp") int program(struct xdp_md *ctx) {
                    unsigned char *p = (void *) (long) ctx->data;
                    if (p + 14 > (unsigned char *) (long) ctx->data_end)
                        return 0;
                    return %s;
                }
                """.formatted(verdict));
        ProgramChain chain = forwarder.ports().getFirst().programs().fromGuest();
        return chain.attach("program", ProgramObject.load(object).program(""));
    }

    static Stream<Arguments> ways() {
        return Stream.of("2", "3", "redirect(1, 0)").flatMap(verdict -> Stream.of("", "packed_vq=1")
                .flatMap(path -> Stream.of(false, true).map(copies -> Arguments.of(verdict, path, copies))));
    }

    @ParameterizedTest
    @MethodSource("ways")
    void whatPassesOrIsSentBackComesBackAllOfIt(String verdict, String path, boolean copies)
            throws Exception {
        try (DmaRegistry dma = DmaKind.WORKER.channels(1);
                Forwarder forwarder = forwarder(copies ? VhostConfig.builder().asyncCopy(dma).build()
                        : VhostConfig.defaults())) {
            ProgramLink link = attach(forwarder, verdict);
            try (TestPmd front = TestPmd.frontEnd(directory.resolve("socket")).packetBytes(SIZE).device(path)
                    .cpu(1).start()) {
                Await.until("the queues run", () -> forwarder.ports().getFirst().device() != null);
                long sent = front.circulate(TIME);
                assertEquals(0, front.forwardCounters().value("TX-dropped"));
                Counters theirs = front.drain(sent);
                assertEquals(SIZE * sent, theirs.value("RX-bytes"));
                assertEquals(sent, link.packets());
                assertEquals(sent, link.count(Verdict.PASS) + link.count(Verdict.TX)
                        + link.count(Verdict.REDIRECT));
                ProgramChain chain = forwarder.ports().getFirst().programs().fromGuest();
                assertEquals(0, chain.transmitFailures() + chain.redirectFailures() + chain.noPort());
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whatIsDroppedIsCounted(boolean copies) throws Exception {
        try (DmaRegistry dma = DmaKind.WORKER.channels(1);
                Forwarder forwarder = forwarder(copies ? VhostConfig.builder().asyncCopy(dma).build()
                        : VhostConfig.defaults())) {
            ProgramLink link = attach(forwarder, "1");
            try (TestPmd front = TestPmd.frontEnd(directory.resolve("socket")).packetBytes(SIZE).cpu(1)
                    .mode("txonly").start()) {
                Await.until("the queues run", () -> forwarder.ports().getFirst().device() != null);
                front.start();
                Await.until("packets are dropped", () -> link.count(Verdict.DROP) > 100_000);
                front.stop();
                long sent = front.portCounters().sent();
                Await.until("all of them", () -> link.count(Verdict.DROP) == sent);
                assertEquals(sent, link.packets());
                assertEquals(0, front.portCounters().received());
            }
        }
    }
}
