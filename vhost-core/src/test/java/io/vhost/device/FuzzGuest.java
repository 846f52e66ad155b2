package io.vhost.device;

import io.vhost.dma.DmaChannel;
import io.vhost.dma.DmaRegistry;
import io.vhost.dma.engine.InlineDmaEngine;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.queue.ControlException;
import io.vhost.testing.FuzzInput;
import java.util.ResourceBundle;

/** A guest of {@link FuzzTarget} and its device, for any number of inputs. */
final class FuzzGuest {
    static final int RING = 16;
    private static final int BURST = 32;
    private static final DmaRegistry REGISTRY = new DmaRegistry();
    private static final DmaChannel CHANNEL = REGISTRY.configure("fuzz", new InlineDmaEngine());

    private final boolean async;
    private final TestGuest guest;
    private final Packet[] done = new Packet[BURST];
    private FuzzSender sender;
    private FuzzReceiver receiver;

    FuzzGuest(boolean async, boolean packed, boolean mergeable) throws ControlException {
        this.async = async;
        long features = (VhostConfig.SUPPORTED & ~Feature.mask(Feature.VHOST_F_LOG_ALL))
                | Feature.VHOST_USER_F_PROTOCOL_FEATURES.mask();
        features &= packed ? -1 : ~Feature.VIRTIO_F_RING_PACKED.mask();
        features &= mergeable ? -1 : ~Feature.VIRTIO_NET_F_MRG_RXBUF.mask();
        guest = new TestGuest(features, RING, VhostConfig.builder().segmentation().asyncCopy(REGISTRY)
                .copyThreshold(0).build(), new Silence());
        guest.start();
        for (TestQueue queue : guest.queues) {
            if (async) {
                queue.queue.registerAsync();
            }
        }
    }

    /** Fences come by the thousand here. */
    private static final class Silence implements System.Logger {
        @Override
        public String getName() {
            return "silence";
        }

        @Override
        public boolean isLoggable(Level level) {
            return level == Level.ERROR;
        }

        @Override
        public void log(Level level, ResourceBundle bundle, String text, Throwable cause) {
            FuzzTarget.require(level != Level.ERROR, text + " " + cause);
        }

        @Override
        public void log(Level level, ResourceBundle bundle, String format, Object... parameters) {
            log(level, bundle, format, (Throwable) null);
        }
    }

    void restart() throws ControlException {
        for (int i = 0; i < guest.queues.size(); i++) {
            TestQueue queue = guest.queues.get(i);
            guest.control.stopRing(i);
            long end = queue.addresses.used() + queue.format.deviceBytes(RING);
            guest.memory.asSlice(queue.addresses.desc(), end - queue.addresses.desc()).fill((byte) 0);
            queue.newRing();
            guest.control.ringBase(i, queue.format.start());
            guest.control.kick(i, null);
        }
        sender = new FuzzSender(guest, guest.fromGuest());
        receiver = new FuzzReceiver(guest, guest.toGuest());
    }

    FuzzSender sends() {
        return sender;
    }

    void sends(FuzzInput input) {
        sender.send(input);
    }

    FuzzReceiver receiver() {
        return receiver;
    }

    void accepts(FuzzInput input) {
        receiver.accept(input);
    }

    void receives() {
        receiver.receive();
    }

    int take(PacketPool pool, Packet[] packets, int offset, int count) {
        VirtQueue queue = guest.fromGuest().queue;
        return async ? queue.tryDequeueBurst(pool, packets, offset, count, CHANNEL)
                : queue.dequeueBurst(pool, packets, offset, count);
    }

    int give(Packet[] packets, int count) {
        VirtQueue queue = guest.toGuest().queue;
        byte[][] content = new byte[count][];
        for (int i = 0; i < count; i++) {
            content[i] = new byte[packets[i].length()];
            packets[i].copyTo(content[i], 0);
        }
        int accepted = async ? queue.submitEnqueueBurst(packets, 0, count, CHANNEL)
                : queue.enqueueBurst(packets, 0, count);
        for (int i = 0; i < accepted; i++) {
            receiver.expect(content[i]);
        }
        return accepted;
    }

    void poll(PacketPool pool) {
        int count = guest.toGuest().queue.pollEnqueueCompleted(done, 0, BURST, CHANNEL);
        pool.release(done, 0, count);
    }

    void clear(PacketPool pool) {
        for (TestQueue queue : guest.queues) {
            while (queue.queue.getInflight() > 0) {
                pool.release(done, 0, queue.queue.clearQueue(done, 0, BURST, CHANNEL));
            }
        }
    }

    int inFlight() {
        return guest.fromGuest().queue.getInflight() + guest.toGuest().queue.getInflight();
    }

    int holds() {
        return guest.holds();
    }
}
