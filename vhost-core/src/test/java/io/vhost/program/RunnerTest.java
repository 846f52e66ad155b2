package io.vhost.program;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import io.vhost.bpf.flow.AccessRegions;
import io.vhost.bpf.helper.HelperSet;
import io.vhost.bpf.insn.Code;
import io.vhost.bpf.insn.Insn;
import io.vhost.bpf.insn.ProgramException;
import io.vhost.bpf.run.ContextLayout;
import io.vhost.bpf.run.Image;
import io.vhost.bpf.run.Program;
import io.vhost.bpf.vm.Interpreter;
import io.vhost.device.Bursts;
import io.vhost.device.PacketBurst;
import io.vhost.device.ProgramPlace;
import io.vhost.device.Verdict;
import io.vhost.net.NetHeader;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What programs see of packets, and what becomes of what they say: instructions without a compiler. */
class RunnerTest {
    private static final ProgramPlace FROM = new ProgramPlace("vm", 3, false);
    private static final ProgramPlace TO = new ProgramPlace("vm", 3, true);
    private static final long EXIT = Insn.of(Insn.EXIT_INSN, 0, 0, 0, 0);
    private static final int LENGTH = 100;
    private static final int ADJUST_META = 54;

    private final PacketPool pool = PacketPool.create(1, 2048);
    private final Packet packet = one(pool);

    private static Packet one(PacketPool pool) {
        Packet[] packets = new Packet[1];
        assertEquals(1, pool.take(packets, 0, 1));
        packets[0].reset(LENGTH);
        return packets[0];
    }

    @AfterEach
    void close() {
        packet.release();
        pool.close();
    }

    private static QueueProgram program(ContextLayout context, long... insns) {
        HelperSet helpers = context.equals(ContextLayout.SKB) ? HelperSet.classifier() : HelperSet.xdp();
        try {
            Image image = new Image(Code.of("p", insns), context, List.of(), helpers::helper);
            return new QueueProgram("p", new Program(image, new Interpreter(image, AccessRegions.of(image))),
                    new Runners(2, 1000), Optional.empty());
        } catch (ProgramException e) {
            throw new AssertionError(e);
        }
    }

    private Verdict verdict(QueueProgram program, ProgramPlace place, int pair) {
        PacketBurst burst = Bursts.of(place, pair, packet);
        program.run(burst);
        return burst.verdict(0);
    }

    private static long mov(int dst, int imm) {
        return Insn.of(0xb7, dst, 0, 0, imm);
    }

    private static long word(int dst, int src, int off) {
        return Insn.of(0x61, dst, src, off, 0);
    }

    private Verdict answer(ContextLayout context, int action) {
        return verdict(program(context, mov(0, action), EXIT), FROM, 0);
    }

    @ParameterizedTest
    @CsvSource({"-1, ABORTED", "0, ABORTED", "1, DROP", "2, PASS", "3, TX", "4, ABORTED", "5, ABORTED"})
    void anActionOfXdpIsAVerdict(int action, Verdict verdict) {
        assertEquals(verdict, answer(ContextLayout.XDP, action));
    }

    /** TC_ACT_SHOT, STOLEN, QUEUED and TRAP, and a redirect to nowhere; all else lets packets pass. */
    @ParameterizedTest
    @CsvSource({"-1, PASS", "0, PASS", "1, PASS", "2, DROP", "3, PASS", "4, DROP", "5, DROP", "6, PASS",
        "7, DROP", "8, DROP", "9, PASS"})
    void anActionOfTcIsAVerdict(int action, Verdict verdict) {
        assertEquals(verdict, answer(ContextLayout.SKB, action));
    }

    /** The action is what the context has: XDP_TX where that is port 3, and XDP_ABORTED where it is 0. */
    @Test
    void theContextTellsThePlace() {
        QueueProgram ingress = program(ContextLayout.XDP, word(0, 1, 12), EXIT);
        QueueProgram queue = program(ContextLayout.XDP, word(0, 1, 16), EXIT);
        QueueProgram egress = program(ContextLayout.XDP, word(0, 1, 20), EXIT);
        assertEquals(Verdict.TX, verdict(ingress, FROM, 1));
        assertEquals(Verdict.TX, verdict(ingress, TO, 1));
        assertEquals(Verdict.DROP, verdict(queue, FROM, 1));
        assertEquals(Verdict.PASS, verdict(queue, FROM, 2));
        assertEquals(Verdict.ABORTED, verdict(egress, FROM, 1));
        assertEquals(Verdict.TX, verdict(egress, TO, 1));
    }

    @Test
    void aClassifierSeesWhatIsToBeCut() {
        QueueProgram size = program(ContextLayout.SKB, word(0, 1, 176), EXIT);
        QueueProgram queue = program(ContextLayout.SKB, word(0, 1, 12), EXIT);
        QueueProgram port = program(ContextLayout.SKB, word(0, 1, 40), Insn.of(0x07, 0, 0, 0, -1), EXIT);
        assertEquals(Verdict.PASS, verdict(size, FROM, 0));
        packet.offload(NetHeader.offload(NetHeader.NEEDS_CHECKSUM, NetHeader.GSO_TCPV4, 54, 2, 34), 16);
        assertEquals(Verdict.DROP, verdict(size, FROM, 0));
        assertEquals(Verdict.DROP, verdict(queue, FROM, 2));
        assertEquals(Verdict.DROP, verdict(port, FROM, 2));
    }

    @Test
    void abortsAreCountedAndToldAtMostEachSecond() {
        QueueProgram action = program(ContextLayout.XDP, word(0, 1, 16), EXIT);
        assertEquals(Optional.empty(), action.lastAbort());
        verdict(action, FROM, 9);
        assertEquals(Optional.of("it returned 9, which is no action of XDP"), action.lastAbort());
        verdict(action, FROM, 0);
        assertEquals(2, action.aborted());
        assertEquals(Optional.of("it returned 9, which is no action of XDP"), action.lastAbort());
        verdict(action, FROM, 1);
        assertEquals(2, action.aborted());
        QueueProgram nowhere = program(ContextLayout.XDP, mov(0, 4), EXIT);
        verdict(nowhere, FROM, 0);
        assertEquals(Optional.of("it returned XDP_REDIRECT without a redirect"), nowhere.lastAbort());
    }

    /** The virtio-net header has 12 bytes: XDP_TX if a quarter of what is in front of the packet is 3. */
    @ParameterizedTest
    @CsvSource({"13, TX", "12, TX", "11, ABORTED"})
    void theHeaderIsThereWhereItHasRoom(int headroom, Verdict verdict) {
        packet.prepend(packet.headroom() - headroom);
        assertEquals(verdict, verdict(program(ContextLayout.XDP, word(2, 1, 8), word(0, 1, 0),
                Insn.of(0x1f, 0, 2, 0, 0), Insn.of(0x77, 0, 0, 0, 2), EXIT), FROM, 0));
    }

    /** Asks for a checksum from {@code start} on, and lets the metadata begin later. */
    private static QueueProgram asking(int start, int later) {
        return program(ContextLayout.XDP, word(2, 1, 8), Insn.of(0x72, 2, 0, 0, NetHeader.NEEDS_CHECKSUM),
                Insn.of(0x6a, 2, 0, 6, start), Insn.of(0x6a, 2, 0, 8, 16), mov(2, later),
                Insn.of(Insn.CALL_INSN, 0, 0, 0, ADJUST_META), mov(0, 2), EXIT);
    }

    @Test
    void whatIsWrittenToTheHeaderIsDone() {
        assertEquals(Verdict.PASS, verdict(asking(34, 0), FROM, 0));
        assertEquals(34, packet.checksumStart());
        assertEquals(16, packet.checksumOffset());
    }

    @Test
    void aHeaderThatIsCutIsNone() {
        assertEquals(Verdict.PASS, verdict(asking(34, 4), FROM, 0));
        assertEquals(0, packet.offload());
    }

    @ParameterizedTest
    @ValueSource(ints = {LENGTH - 18, LENGTH - 17})
    void whatCannotBeDoneAborts(int start) {
        QueueProgram program = asking(start, 0);
        boolean fits = start == LENGTH - 18;
        assertEquals(fits ? Verdict.PASS : Verdict.ABORTED, verdict(program, FROM, 0));
        assertEquals(fits ? 0 : 1, program.aborted());
        assertEquals(fits, program.lastAbort().isEmpty());
    }

    /** What loads from the packet may load into it: such a program is no filter that only looks. */
    @ParameterizedTest
    @CsvSource({"26, false", "26, true", "189, false", "189, true"})
    void whatIsLoadedIntoThePacketChangesIt(int helper, boolean intoPacket) {
        ContextLayout context = helper == 26 ? ContextLayout.SKB : ContextLayout.XDP;
        packet.putByte(50, 7);
        QueueProgram program = program(context, word(3, 1, context.data()),
                Insn.of(0xbf, 3, intoPacket ? 3 : 10, 0, 0), Insn.of(0x07, 3, 0, 0, intoPacket ? 0 : -16),
                mov(2, 50), mov(4, 14), Insn.of(Insn.CALL_INSN, 0, 0, 0, helper),
                mov(0, helper == 26 ? 0 : 2), EXIT);
        assertEquals(Verdict.PASS, verdict(program, FROM, 0));
        assertEquals(intoPacket ? 7 : 0, packet.segment().get(ValueLayout.JAVA_BYTE, packet.dataOffset()));
        assertEquals(intoPacket, program.mayChangePackets());
    }

    @Test
    void whoeverFindsAPlaceEmptyTakesTheNext() {
        Runners runners = new Runners(2, 1);
        Runner[] both = assertTimeoutPreemptively(Duration.ofSeconds(60),
                () -> new Runner[] {runners.claim(), runners.claim()});
        assertNotSame(both[0], both[1]);
        runners.release(both[0]);
        assertSame(both[0], assertTimeoutPreemptively(Duration.ofSeconds(60), runners::claim));
    }
}
