package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.vhost.device.BurstContractTest.Copies;
import io.vhost.device.RawRing.Buffer;
import io.vhost.device.RawRing.Round;
import io.vhost.memory.DirtyLog;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.os.Descriptor;
import io.vhost.os.MemFd;
import io.vhost.queue.ControlException;
import io.vhost.ring.RingFormat;
import io.vhost.state.MemoryRegion;
import io.vhost.state.RingViolation;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Faults that other back-ends had, by their names. Those of messages are in the test of this name in
 * {@code io.vhost.protocol}; a method here that names a class of the hostile matrix plays the rows of that
 * class again, so that the name is found and can fail on its own.
 *
 * <table>
 * <caption>Where the others are</caption>
 * <tr><td>CVE-2018-1059</td><td>here, and {@code GuestMemoryTest}, {@code TranslationTest}</td></tr>
 * <tr><td>CVE-2019-14818</td><td>{@code io.vhost.protocol.KnownFaultsTest}</td></tr>
 * <tr><td>CVE-2019-14835 (Linux)</td><td>here</td></tr>
 * <tr><td>CVE-2020-10722, -10723, -10726</td><td>{@code io.vhost.protocol.KnownFaultsTest}</td></tr>
 * <tr><td>CVE-2020-10724</td><td>n/a, crypto; lengths in general: here, CVE-2020-14374</td></tr>
 * <tr><td>CVE-2020-10725</td><td>here</td></tr>
 * <tr><td>CVE-2020-14374, -14376, -14377, -14378</td><td>here; the code was crypto's, the pattern is
 * not</td></tr>
 * <tr><td>CVE-2020-14375</td><td>{@link FlipperTest}, {@link HostileTrafficTest}</td></tr>
 * <tr><td>CVE-2021-3544, -3545, -3546 (QEMU)</td><td>n/a, graphics</td></tr>
 * <tr><td>CVE-2021-3839, CVE-2022-0669</td><td>{@code io.vhost.protocol.KnownFaultsTest}</td></tr>
 * <tr><td>CVE-2022-2132, CVE-2024-11614</td><td>here, and {@link HeaderSweepTest}</td></tr>
 * <tr><td>CVE-2022-28199</td><td>n/a, a driver of network cards</td></tr>
 * <tr><td>header read twice (285e6b8b18)</td><td>{@link FlipperTest}</td></tr>
 * <tr><td>control queue (6ec1778134, 38e6400387)</td><td>n/a, none is offered: here</td></tr>
 * <tr><td>queue index (7cc4f260bf, 1c80a404fd), descriptors (585283f9a7, 218daf1664)</td>
 * <td>{@code io.vhost.protocol.KnownFaultsTest}</td></tr>
 * <tr><td>index in an in-flight region (5a4fbe79e6)</td><td>{@code InflightHostileTest}</td></tr>
 * <tr><td>gso_size 0 (7023f3e532, 706ba48665)</td><td>here, {@link HeaderSweepTest}</td></tr>
 * <tr><td>descriptor sets after their end (73ea44370d, 21d9fb6bad)</td>
 * <td>{@code VhostServerTest.aStormOfConnectionsThatDoNotWaitIsSurvived}</td></tr>
 * <tr><td>SPDK 3879</td><td>here</td></tr>
 * <tr><td>places (a) to (d), (f), (m), (n)</td><td>here</td></tr>
 * <tr><td>place (e), channels that do not exist</td>
 * <td>{@link AsyncBadInputTest}: a channel is an object, of a registry</td></tr>
 * <tr><td>place (g), short reads</td><td>{@code io.vhost.protocol.KnownFaultsTest}</td></tr>
 * <tr><td>place (h), dirty pages of asynchronous copies</td><td>{@link AsyncMigrationTest}</td></tr>
 * <tr><td>place (i), GET_VRING_BASE beside a burst</td><td>{@link AsyncConcurrencyTest}</td></tr>
 * <tr><td>place (j), the upper half of a packed ring's base</td><td>{@link PackedResumeTest}</td></tr>
 * <tr><td>place (k), a copy that fails in the middle of a packet</td>
 * <td>{@link AsyncEnqueueTest}, {@link AsyncTortureTest}</td></tr>
 * <tr><td>place (l), indexes in an in-flight region</td><td>{@code InflightHostileTest}</td></tr>
 * <tr><td>libvhost-user</td><td>{@code io.vhost.protocol.KnownFaultsTest}</td></tr>
 * </table>
 */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class KnownFaultsTest {
    /** Plays acts behind two good chains, in one format. */
    private static void play(RingFormat format, boolean toGuest, Copies copies, List<HostileAct> acts)
            throws ControlException {
        try (HostileCell cell = new HostileCell(format, toGuest, copies)) {
            for (HostileAct act : acts) {
                cell.play(act, Round.SAME_BURST);
            }
        }
    }

    private static void playBothWays(RingFormat format, HostileClass... classes) throws ControlException {
        for (HostileClass hostile : classes) {
            play(format, true, Copies.SYNCHRONOUS, hostile.acts());
            play(format, false, Copies.SYNCHRONOUS, hostile.acts());
        }
    }

    @ParameterizedTest
    @EnumSource
    void cve20181059BuffersAndTablesThatRunPastTheirRegion(RingFormat format) throws Exception {
        playBothWays(format,
                HostileClass.OUTSIDE, HostileClass.TABLE_OUTSIDE, HostileClass.WRAPPING_ADDRESS);
    }

    /** Whole batches were translated at once, and the outcome of one was not looked at. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3})
    void cve202010725OneBadSlotOfABatch(int bad) throws Exception {
        List<HostileAct> acts = Stream.of(RingViolation.BUFFER_UNMAPPED, RingViolation.EMPTY_CHAIN)
                .map(violation -> new HostileAct(violation.name(), ring -> {
                    for (int slot = 0; slot < 4; slot++) {
                        boolean empty = violation == RingViolation.EMPTY_CHAIN;
                        Buffer broken = empty ? ring.at(TestGuest.GUEST, 0) : ring.at(RawRing.HOLE, 72);
                        ring.chain(slot == bad ? broken : ring.buffer(RawRing.FRAME));
                    }
                    return Outcome.fenced(violation).after(bad, bad);
                })).toList();
        for (RingFormat format : RingFormat.values()) {
            for (Copies copies : new Copies[] {Copies.SYNCHRONOUS, Copies.INLINE}) {
                play(format, true, copies, acts);
                play(format, false, copies, acts);
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void cve202014374LengthsBeyondTheBuffer(RingFormat format) throws Exception {
        playBothWays(format, HostileClass.LONGEST_BUFFER, HostileClass.SUM_BEYOND_4_GB);
    }

    @ParameterizedTest
    @EnumSource
    void cve202014376And14377LengthsInTheHeader(RingFormat format) throws Exception {
        playBothWays(format, HostileClass.HEADERS);
    }

    /** What was left of a chain was counted below 0. */
    @ParameterizedTest
    @EnumSource
    void cve202014378AChainThatEndsEarly(RingFormat format) throws Exception {
        playBothWays(format, HostileClass.NO_ROOM_FOR_HEADER, HostileClass.LONGER_THAN_THE_RING);
    }

    @ParameterizedTest
    @EnumSource
    void cve20222132AHeaderInManyBuffersAndNothingBehindIt(RingFormat format) throws Exception {
        playBothWays(format, HostileClass.HEADER_IN_PIECES, HostileClass.NO_ROOM_FOR_HEADER);
    }

    @ParameterizedTest
    @EnumSource
    void cve202411614AChecksumBeyondThePacket(RingFormat format) throws Exception {
        play(format, false, Copies.SYNCHRONOUS, HostileClass.HEADERS.acts());
        play(format, false, Copies.INLINE, HostileClass.HEADERS.acts());
    }

    @Test
    void spdk3879ABufferIdThatIsNone() throws Exception {
        playBothWays(RingFormat.PACKED, HostileClass.PACKED_FLAGS_AND_IDS);
    }

    @Test
    void thereIsNoControlQueue() {
        long controlQueue = 1L << 17;
        assertEquals(0, VhostConfig.SUPPORTED & controlQueue);
    }

    /** In Linux the log of a chain had fewer places than a chain may have buffers. */
    @ParameterizedTest
    @EnumSource
    void cve201914835TheLongestChainWhilePagesAreLogged(RingFormat format) throws Exception {
        int pieces = 512;
        long features = format == RingFormat.PACKED ? TestGuest.PACKED : TestGuest.MODERN;
        try (TestGuest guest = TestGuest.running(features);
                PacketPool pool = PacketPool.create(1, PacketPool.DEFAULT_HEADROOM + 1024);
                MarkedPages marks = new MarkedPages()) {
            guest.control.memory().dirtyLog(marks.file(), 0, MarkedPages.LOG_SIZE);
            guest.control.features(guest.features | Feature.VHOST_F_LOG_ALL.mask());
            RawRing ring = new RawRing(guest, guest.toGuest(), Round.ALONE, false);
            Buffer[] entries = new Buffer[1024];
            Set<Long> written = new TreeSet<>();
            for (int i = 0; i < entries.length; i++) {
                long offset = TestGuest.BUFFERS + 0x10_0000 + (long) (i % pieces) * DirtyLog.PAGE;
                entries[i] = ring.at(TestGuest.GUEST + offset + 2L * (i / pieces), 1);
                written.addAll(MarkedPages.of(offset, 1));
            }
            ring.chain(ring.table(entries));
            marks.take();
            Packet packet = pool.take();
            byte[] payload = TestGuest.pattern(1024 - RawRing.HEADER, 1);
            packet.copyFrom(payload, 0, payload.length);
            assertEquals(1, guest.toGuest().queue.enqueueBurst(new Packet[] {packet}, 0, 1));
            packet.release();
            Set<Long> marked = marks.take();
            marked.removeIf(page -> page < TestGuest.BUFFERS / DirtyLog.PAGE);
            assertEquals(written, marked);
            byte[] arrived = new byte[payload.length];
            for (int i = 0; i < payload.length; i++) {
                Buffer buffer = entries[i + RawRing.HEADER];
                arrived[i] = guest.bytes(buffer.address() - TestGuest.GUEST, 1)[0];
            }
            assertArrayEquals(payload, arrived);
        }
    }

    @Test
    void placeAALengthBelowTheHeaderInAPackedBatch() throws Exception {
        for (Copies copies : new Copies[] {Copies.SYNCHRONOUS, Copies.INLINE}) {
            play(RingFormat.PACKED, false, copies, HostileClass.NO_ROOM_FOR_HEADER.acts());
        }
    }

    @ParameterizedTest
    @EnumSource
    void placeBAHeaderOverManyDescriptorsToTheGuest(RingFormat format) throws Exception {
        play(format, true, Copies.SYNCHRONOUS, HostileClass.HEADER_IN_PIECES.acts());
    }

    /** The border of two regions shortens what is contiguous. */
    @Test
    void placeCAsynchronousCopiesToAPackedRingAtABorder() throws Exception {
        play(RingFormat.PACKED, true, Copies.INLINE, HostileClass.OUTSIDE.acts());
        play(RingFormat.PACKED, true, Copies.INLINE, HostileClass.HEADER_IN_PIECES.acts());
    }

    @Test
    void placeDAnIndexThatJumpsAndHeadsThatComeAgain() throws Exception {
        for (HostileClass hostile : new HostileClass[] {
                HostileClass.INDEX_JUMP, HostileClass.OFFERED_AGAIN}) {
            play(RingFormat.SPLIT, true, Copies.INLINE, hostile.acts());
            play(RingFormat.SPLIT, false, Copies.INLINE, hostile.acts());
        }
    }

    /** Neighbours in the guest that are none in the front-end. */
    @ParameterizedTest
    @EnumSource
    void placeFRegionsThatAreNeighboursInTheGuestAlone(RingFormat format) throws Exception {
        playBothWays(format, HostileClass.OUTSIDE, HostileClass.TABLE_OUTSIDE);
    }

    @Test
    void placeMARegionOfNothingOrThatWrapsAround() throws Exception {
        try (TestGuest guest = TestGuest.running()) {
            long far = 0x7000_0000_0000L;
            for (MemoryRegion region : new MemoryRegion[] {
                    new MemoryRegion(far, far, 0, 0), new MemoryRegion(-4096, far, 8192, 0),
                    new MemoryRegion(far, -4096, 8192, 0), new MemoryRegion(far, far, -4096, 0),
                    new MemoryRegion(far, far, 4096, -4096), new MemoryRegion(far, far, -1, 1)}) {
                Descriptor file = MemFd.create("region", 8192);
                assertThrows(ControlException.class, () -> guest.control.memory().add(region, file));
            }
            assertEquals(guest.regions(), guest.control.memory().regions());
        }
    }

    @Test
    void placeNARegionThatIsAddedForEachQueuePair() throws Exception {
        try (TestGuest guest = TestGuest.running()) {
            guest.control.memory().addable(true);
            guest.shareMemory();
            MemoryRegion region = new MemoryRegion(0x7000_0000_0000L, 0x7000_0000_0000L, 4096, 0);
            guest.control.memory().add(region, MemFd.create("region", 4096));
            guest.control.memory().add(region, MemFd.create("region", 4096));
            assertEquals(3, guest.control.memory().regions().size());
        }
    }
}
