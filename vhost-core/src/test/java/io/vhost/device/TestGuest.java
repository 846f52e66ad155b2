package io.vhost.device;

import io.vhost.control.DeviceControl;
import io.vhost.dma.DmaRegistry;
import io.vhost.os.Descriptor;
import io.vhost.os.EventFd;
import io.vhost.os.Mapping;
import io.vhost.os.MemFd;
import io.vhost.queue.ControlException;
import io.vhost.state.MemoryRegion;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

/**
 * A device with a guest of its own: memory in a file, rings in that memory, and the messages that set them
 * up. The guest address of an offset in the file is {@link #GUEST} plus the offset, in two regions that are
 * neighbours in the guest alone.
 */
final class TestGuest implements AutoCloseable {
    static final long GUEST = 0x4000_0000L;
    static final long USER = 0x7F00_0000_0000L;
    static final long SIZE = 0x40_0000;
    /** Where the second region begins. */
    static final long BORDER = 0x30_0000;
    /** First byte that no ring covers. */
    static final long BUFFERS = 0x10_0000;
    static final long MODERN =
            (VhostConfig.DEFAULT & ~Feature.mask(
                    Feature.VIRTIO_F_EVENT_IDX, Feature.VHOST_F_LOG_ALL, Feature.VIRTIO_F_RING_PACKED))
            | Feature.VHOST_USER_F_PROTOCOL_FEATURES.mask();
    static final long PACKED = MODERN | Feature.VIRTIO_F_RING_PACKED.mask();
    static final int RING = 64;

    private static final AtomicInteger NUMBERS = new AtomicInteger();

    /** Of this guest's memory, among those that are mapped. */
    private final String fileName = "test-guest-" + NUMBERS.incrementAndGet();
    final RecordingListener listener = new RecordingListener();
    final DeviceControl control;
    final VhostDevice device;
    final Descriptor file;
    final MemorySegment memory;
    final int ringSize;
    final long features;
    final List<TestQueue> queues = new ArrayList<>();
    private final Mapping mapping;

    TestGuest(long features, int ringSize, int pairs) {
        this(features, ringSize, VhostConfig.builder().queuePairs(pairs).build());
    }

    TestGuest(long features, int ringSize, VhostConfig config) {
        this(features, ringSize, config, System.getLogger("io.vhost.device"));
    }

    TestGuest(long features, int ringSize, VhostConfig config, Logger log) {
        this.features = features;
        this.ringSize = ringSize;
        file = MemFd.create(fileName, SIZE);
        mapping = Mapping.reserve(SIZE);
        mapping.place(0, file, 0, SIZE);
        memory = mapping.segment();
        control = DeviceControl.create("test-guest", config, listener, log);
        device = control.device();
        listener.device = device;
        for (int i = 0; i < device.queueCount(); i++) {
            queues.add(new TestQueue(this, i));
        }
    }

    /** A device that runs, with one pair of rings of {@link #RING} entries. */
    static TestGuest running(long features) throws ControlException {
        TestGuest guest = new TestGuest(features, RING, 1);
        guest.start();
        return guest;
    }

    static TestGuest running() throws ControlException {
        return running(MODERN);
    }

    /** A device that runs and may copy asynchronously; a ring that stops waits 100 ms for its copies. */
    static TestGuest asynchronous(long features, int ringSize, DmaRegistry registry) throws ControlException {
        TestGuest guest = new TestGuest(features, ringSize, VhostConfig.builder()
                .asyncCopy(registry).copyTimeout(Duration.ofMillis(100)).copyStall(Duration.ofMillis(1))
                .build());
        guest.start();
        return guest;
    }

    void start() throws ControlException {
        control.connected();
        control.features(features);
        shareMemory();
        for (TestQueue queue : queues) {
            queue.configure();
            queue.start();
        }
        control.messageHandled();
    }

    List<MemoryRegion> regions() {
        return List.of(
                new MemoryRegion(GUEST, USER, BORDER, 0),
                new MemoryRegion(GUEST + BORDER, USER + 0x1_0000_0000L, SIZE - BORDER, BORDER));
    }

    void shareMemory() throws ControlException {
        control.memory().replace(regions(), List.of(file.duplicate(), file.duplicate()));
    }

    TestQueue toGuest() {
        return queues.get(0);
    }

    TestQueue fromGuest() {
        return queues.get(1);
    }

    int headerLength() {
        return NetworkDevice.packetFormat(features, 0).headerLength();
    }

    byte[] bytes(long offset, int length) {
        return memory.asSlice(offset, length).toArray(ValueLayout.JAVA_BYTE);
    }

    void put(long offset, byte[] bytes) {
        MemorySegment.copy(MemorySegment.ofArray(bytes), 0, memory, offset, bytes.length);
    }

    /** What a hostile front-end can do to the memory that it shares. */
    void truncate() {
        truncate(0);
    }

    void truncate(long size) {
        Path path = Path.of("/proc/self/fd/" + file.fd());
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.WRITE)) {
            channel.truncate(size);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Whose lock the calling thread holds: the sum of all hold counts. */
    int holds() {
        return queues.stream().mapToInt(queue -> queue.queue.access_lock.getHoldCount()).sum();
    }

    /** Places where its memory is mapped; that of earlier guests may go at any time. */
    long mappings() throws IOException {
        try (Stream<String> lines = Files.lines(Path.of("/proc/self/maps"))) {
            return lines.filter(line -> line.contains("memfd:" + fileName + " ")).count();
        }
    }

    @Override
    public void close() {
        control.disconnected();
        queues.forEach(TestQueue::close);
        mapping.close();
        file.close();
    }

    static byte[] pattern(int length, int seed) {
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++) {
            bytes[i] = (byte) (seed * 17 + i * 3 + i / 251);
        }
        return bytes;
    }

    static EventFd duplicate(EventFd eventFd) {
        return EventFd.adopt(eventFd.descriptor().duplicate());
    }

    static byte[] join(byte[] one, byte[] other) {
        byte[] both = Arrays.copyOf(one, one.length + other.length);
        System.arraycopy(other, 0, both, one.length, other.length);
        return both;
    }
}
