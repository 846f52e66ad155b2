package io.vhost.control;

import io.vhost.device.DeviceListener;
import io.vhost.device.VhostDevice;
import io.vhost.device.link.DeviceLink;
import io.vhost.limit.account.ServerAccount;
import io.vhost.queue.QueueOwner;
import io.vhost.queue.SignalWorker;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.function.BiConsumer;

/** Where a device, and each of its queues, says what happens: to its listener, and to who reads the log. */
final class DeviceVoice implements QueueOwner {
    private final DeviceLink link;
    private final ServerAccount account;
    private final DeviceListener listener;
    private final Logger log;
    private final SignalWorker signalWorker;
    private final VhostDevice device;
    private volatile boolean telling;

    DeviceVoice(DeviceLink link, ServerAccount account, DeviceListener listener, Logger log) {
        this.link = link;
        this.account = account;
        this.listener = listener;
        this.log = log;
        this.signalWorker = new SignalWorker(
                "signals #" + link.frontEnd().id(), account.slowPeers());
        this.device = link.device(VhostDevice.class, this);
    }

    VhostDevice device() {
        return device;
    }

    @Override
    public String name() {
        return link.frontEnd().name();
    }

    @Override
    public Logger log() {
        return log;
    }

    /** Called by a burst, under its queue's lock: the connection's thread does the rest. */
    @Override
    public void fail(Throwable cause) {
        if (link.fail()) {
            log.log(Level.ERROR, () -> "(%s) guest memory is gone, closing the connection".formatted(name()),
                    cause);
        }
    }

    @Override
    public String takeRing(int entries) {
        return account.takeRing(entries);
    }

    @Override
    public void giveRing(int entries) {
        account.giveRing(entries);
    }

    @Override
    public SignalWorker signalWorker() {
        return signalWorker;
    }

    @Override
    public void stateChanged(int queue, boolean runs) {
        say("queue %d %s".formatted(queue, runs ? "started" : "stopped"));
        tell("vringStateChanged", (to, of) -> to.vringStateChanged(of.queue(queue), runs));
    }

    /** Tells an operator what has happened. */
    void say(String text) {
        log.log(Level.INFO, () -> "(%s) %s".formatted(name(), text));
    }

    /** Tells the listener. Its exception, of whatever kind, must not end the connection's thread. */
    void tell(String callback, BiConsumer<DeviceListener, VhostDevice> call) {
        telling = true;
        try {
            call.accept(listener, device);
        } catch (Throwable e) {
            log.log(Level.ERROR, () -> "(%s) listener threw from %s".formatted(name(), callback), e);
        } finally {
            telling = false;
        }
    }

    /** Whether the listener is being told something; any thread. */
    boolean isTelling() {
        return telling;
    }
}
