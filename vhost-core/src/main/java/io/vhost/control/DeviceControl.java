package io.vhost.control;

import io.vhost.device.DeviceListener;
import io.vhost.device.Feature;
import io.vhost.device.ProtocolFeature;
import io.vhost.device.VhostConfig;
import io.vhost.device.VhostDevice;
import io.vhost.device.link.ConnectionRecord;
import io.vhost.device.link.DeviceLink;
import io.vhost.device.link.QueueOptions;
import io.vhost.limit.account.ResourceAccount;
import io.vhost.limit.account.ServerAccount;
import io.vhost.os.Descriptor;
import io.vhost.os.PeerCredentials;
import io.vhost.queue.ControlException;
import io.vhost.queue.CopyLimits;
import io.vhost.queue.QueueAccess;
import io.vhost.queue.QueueControl;
import io.vhost.queue.RingSetup;
import io.vhost.ring.DeviceRing;
import io.vhost.ring.RingAddresses;
import io.vhost.state.DeviceSnapshot;
import io.vhost.state.FrontEnd;
import java.lang.System.Logger;
import java.util.Arrays;
import java.util.Objects;

/**
 * The transport's side of one device: what a front-end may ask for, one method a request.
 *
 * <p>Thread: the connection's, and no other, except {@link #device}. No lock may be held by the caller.
 * Descriptors passed in are taken over, whatever the outcome. A request that the front-end must not make is a
 * {@link ControlException} and leaves the device consistent.
 */
public final class DeviceControl {
    private final VhostConfig config;
    private final ServerAccount account;
    private final DeviceLink link;
    private final DeviceVoice voice;
    private final VhostDevice device;
    private final DeviceRings rings;
    private final DeviceMemory memory;
    private Descriptor backendChannel;
    /** What was said last of each ring; null after a reset. */
    private final Boolean[] enableSaid;
    private boolean featuresSet;
    private long protocolFeatures;
    private int status;
    private boolean announced;
    private boolean connected;

    private DeviceControl(FrontEnd frontEnd, ServerAccount account, VhostConfig config,
            DeviceListener listener, Logger log) {
        this.config = config;
        this.account = account;
        this.link = new DeviceLink(frontEnd, queues(config));
        this.voice = new DeviceVoice(link, account, listener, log);
        this.device = voice.device();
        this.rings = new DeviceRings(device);
        this.memory = new DeviceMemory(voice, rings, account, config);
        this.enableSaid = new Boolean[device.queueCount()];
    }

    private static QueueOptions queues(VhostConfig config) {
        return new QueueOptions(config.queuePairs(), config.lockTiming(), config.dma(),
                new CopyLimits(config.copyThreshold(), config.copyStall(), config.copyTimeout()));
    }

    /**
     * A device that nobody is connected to yet.
     *
     * @param name for logs
     * @param config what is offered
     * @param listener is told what happens
     */
    public static DeviceControl create(String name, VhostConfig config, DeviceListener listener) {
        return create(name, config, listener, System.getLogger("io.vhost.device"));
    }

    /**
     * The same with a choice of where to log.
     *
     * @param name for logs
     * @param config what is offered
     * @param listener is told what happens
     * @param log takes what a front-end can cause, again with each connection; named by this package, and
     *     limited
     */
    public static DeviceControl create(String name, VhostConfig config, DeviceListener listener, Logger log) {
        ServerAccount account = new ServerAccount(ResourceAccount.ofProcess(), () -> 0);
        return create(FrontEnds.named(name), account, config, listener, log);
    }

    /**
     * The same for a front-end that has connected to a socket, or was connected to.
     *
     * @param socket path of the socket
     * @param peer who is at the other end
     * @param account of the server that has the connection
     * @param config what is offered
     * @param listener is told what happens
     * @param log as above
     */
    public static DeviceControl create(String socket, PeerCredentials peer, ServerAccount account,
            VhostConfig config, DeviceListener listener, Logger log) {
        return create(FrontEnds.connected(socket, peer), account, config, listener, log);
    }

    private static DeviceControl create(FrontEnd frontEnd, ServerAccount account, VhostConfig config,
            DeviceListener listener, Logger log) {
        return new DeviceControl(
                frontEnd,
                Objects.requireNonNull(account, "account"),
                Objects.requireNonNull(config, "config"),
                Objects.requireNonNull(listener, "listener"),
                Objects.requireNonNull(log, "log"));
    }

    /** The application's side of the device. */
    public VhostDevice device() {
        return device;
    }

    /** Where the transport notes down what happens on the connection. */
    public ConnectionRecord record() {
        return link.record();
    }

    /**
     * What closes the connection: runs when a burst finds the guest's memory gone, or the application wants
     * it. Called by any thread, must not block.
     */
    public void onHangUp(Runnable action) {
        link.onHangUp(action);
    }

    /** Why the application has ended the connection; null: it has not. */
    public String disconnectReason() {
        return link.disconnectReason();
    }

    /** Whether a burst found the guest's memory gone. */
    public boolean failed() {
        return device.isFailed();
    }

    /** Whether the connection's thread is in a callback of the listener; any thread. */
    public boolean isInCallback() {
        return voice.isTelling();
    }

    /** A front-end has connected. */
    public void connected() {
        connected = true;
        FrontEnd who = device.frontEnd();
        voice.say("connected: " + (who.pid() == 0 ? "by a process that is not known here"
                : "pid=%d uid=%d gid=%d".formatted(who.pid(), who.uid(), who.gid())));
        voice.tell("newConnection", DeviceListener::newConnection);
    }

    /** The feature bits on offer. */
    public long features() {
        return config.features() | Feature.VHOST_USER_F_PROTOCOL_FEATURES.mask();
    }

    /**
     * Accepts the front-end's choice.
     *
     * @param negotiated feature bits, a part of {@link #features()}
     * @throws ControlException for bits that were not offered, or a change while rings are started, except
     *     that logging may begin and end at any time
     */
    public void features(long negotiated) throws ControlException {
        if ((negotiated & ~features()) != 0) {
            throw new ControlException("features 0x%x have bits that were not offered: 0x%x"
                    .formatted(negotiated, negotiated & ~features()));
        }
        if (featuresSet && negotiated == device.features()) {
            return;
        }
        if (featuresSet && (negotiated ^ device.features()) == Feature.VHOST_F_LOG_ALL.mask()) {
            link.features(negotiated);
            memory.applyDirtyLog();
            return;
        }
        for (int i = 0; i < queueCount(); i++) {
            if (rings.control(i).isAttached()) {
                throw new ControlException(
                        "features cannot change from 0x%x to 0x%x while queue %d is started"
                        .formatted(device.features(), negotiated, i));
            }
        }
        if (NetworkRings.format(negotiated) != rings.format()) {
            forgetPositions();
        }
        link.features(negotiated);
        featuresSet = true;
        memory.applyDirtyLog();
        Arrays.fill(enableSaid, null);
        boolean enabledFromStart = !Feature.VHOST_USER_F_PROTOCOL_FEATURES.in(negotiated);
        for (int i = 0; i < queueCount(); i++) {
            // QEMU enables rings before it sets features, and does not say it again.
            rings.control(i).change(setup -> setup.enableFromStart(enabledFromStart));
        }
        tellFeatures(negotiated);
    }

    private void tellFeatures(long negotiated) {
        voice.say("features 0x%x: %s".formatted(negotiated, Feature.named(negotiated)));
        voice.tell("featuresChanged", (listener, of) -> listener.featuresChanged(of, negotiated));
    }

    /** A position in a ring of one format says nothing of one in another, and a size may be none. */
    private void forgetPositions() throws ControlException {
        for (int i = 0; i < queueCount(); i++) {
            rings.control(i).forgetBase();
        }
    }

    /** The memory that the front-end shares. */
    public DeviceMemory memory() {
        return memory;
    }

    /** The features of the vhost-user protocol on offer, see {@link ProtocolFeature}. */
    public long offeredProtocolFeatures() {
        return config.protocolFeatures();
    }

    /** The vhost-user protocol features that were negotiated, a part of those on offer. */
    public void protocolFeatures(long negotiated) {
        protocolFeatures = negotiated;
        memory.addable(ProtocolFeature.CONFIGURE_MEM_SLOTS.in(negotiated));
    }

    /**
     * Looks at descriptors that have arrived with a message.
     *
     * @param ofConnection open descriptors of the connection, with them
     * @return null if they may stay; else the refusal
     */
    public String checkDescriptors(int ofConnection) {
        return account.checkDescriptors(ofConnection, config.limits());
    }

    /** Number of queues on offer. */
    public int queueCount() {
        return device.queueCount();
    }

    /** Sets the number of entries of a ring, as its format has them. Only while it is stopped. */
    public void ringSize(int queue, int size) throws ControlException {
        rings.requireStopped(queue, "size").size(size, rings.format());
    }

    /**
     * Sets where a ring lies, in addresses of the front-end's process.
     *
     * @param queue index of the queue
     * @param desc descriptor table or ring
     * @param avail driver area
     * @param used device area
     * @param logAddress guest address of the device area, for the dirty log
     * @param flags bit 0: log writes to the device area
     */
    public void ringAddresses(int queue, long desc, long avail, long used, long logAddress, int flags)
            throws ControlException {
        if ((flags & ~1) != 0) {
            throw new ControlException("queue %d: flags 0x%x with log address 0x%x are not known"
                    .formatted(queue, flags, logAddress));
        }
        RingAddresses user = new RingAddresses(desc, avail, used);
        // Before the ring is stopped: addresses that are refused disturb nobody.
        rings.control(queue).requireAddresses(user, rings.table(), rings.format());
        rings.restart(queue, setup -> setup.place(user, flags == 0 ? DeviceRing.NOT_LOGGED : logAddress));
    }

    /**
     * Sets where a ring goes on, coded as in SET_VRING_BASE: the index of the next chain to take, 0 to 65535,
     * or in a packed ring the positions of the next chain to take and to give back, with their wrap counters.
     * Only while the ring is stopped. Positions beyond the size are refused when the ring is started: base
     * and size come in any order.
     */
    public void ringBase(int queue, int base) throws ControlException {
        rings.requireStopped(queue, "base").base(base, rings.format());
    }

    /**
     * Stops a ring.
     *
     * @return where it would have gone on, coded as for {@link #ringBase}
     */
    public int stopRing(int queue) throws ControlException {
        QueueControl control = rings.control(queue);
        if (NetworkRings.isOfFirstPair(queue)) {
            retract();
        }
        rings.restart(queue, RingSetup::stop);
        return control.base(rings.format());
    }

    /**
     * Starts a ring.
     *
     * @param queue index of the queue
     * @param descriptor what the front-end signals after it offered chains; null when it will not, and is
     *     polled
     */
    public void kick(int queue, Descriptor descriptor) throws ControlException {
        rings.withDescriptor(
                queue, descriptor, eventFd -> rings.restart(queue, setup -> setup.start(eventFd)));
    }

    /**
     * Sets what is signalled to interrupt the guest; at any time. If the ring is started, it is signalled
     * once.
     *
     * @param queue index of the queue
     * @param descriptor the eventfd; null for none
     */
    public void call(int queue, Descriptor descriptor) throws ControlException {
        rings.withDescriptor(queue, descriptor, eventFd -> rings.control(queue).call(eventFd));
    }

    /**
     * Sets what is signalled when the guest breaks a rule of the ring.
     *
     * @param queue index of the queue
     * @param descriptor the eventfd; null for none
     */
    public void error(int queue, Descriptor descriptor) throws ControlException {
        rings.withDescriptor(queue, descriptor,
                eventFd -> rings.control(queue).change(setup -> setup.error(eventFd)));
    }

    /**
     * Enables or disables a ring; this may come before the features, and then tells that they will be
     * negotiated.
     */
    public void enable(int queue, boolean enabled) throws ControlException {
        rings.control(queue);
        if (featuresSet && !Feature.VHOST_USER_F_PROTOCOL_FEATURES.in(device.features())) {
            throw new ControlException(
                    "queue %d cannot be enabled or disabled: protocol features were not negotiated"
                    .formatted(queue));
        }
        // Front-ends say it again and again, which is no reason to stop a ring.
        if (enableSaid[queue] != null && enableSaid[queue] == enabled) {
            return;
        }
        enableSaid[queue] = enabled;
        rings.restart(queue, setup -> setup.enable(enabled));
    }

    /** Sets the device status (virtio 1.2, 2.1). 0 is a reset and leaves the positions in the rings alone. */
    public void status(long newStatus) throws ControlException {
        if ((newStatus & ~0xFFL) != 0) {
            throw new ControlException("status 0x%x has more than eight bits".formatted(newStatus));
        }
        status = (int) newStatus;
    }

    /** The device status that was set last. */
    public int status() {
        return status;
    }

    /**
     * Disables all rings, as the deprecated RESET_OWNER is understood today. Without protocol features no
     * request enables a ring again, so they are stopped instead, until the front-end starts them.
     */
    public void resetOwner() throws ControlException {
        retract();
        Arrays.fill(enableSaid, null);
        boolean enabledByStart =
                featuresSet && !Feature.VHOST_USER_F_PROTOCOL_FEATURES.in(device.features());
        for (int i = 0; i < queueCount(); i++) {
            rings.restart(i, enabledByStart ? RingSetup::stop : setup -> setup.enable(false));
        }
    }

    /** Stops and disables all rings and clears the status. Memory and positions in the rings stay. */
    public void resetDevice() throws ControlException {
        for (int i = 0; i < queueCount(); i++) {
            stopRing(i);
        }
        resetOwner();
        status = 0;
    }

    /**
     * Sets the largest packet of the guest's network, without Ethernet header, as {@link VhostDevice#mtu}
     * tells.
     *
     * @param mtu bytes, {@value VhostDevice#LEAST_MTU} to {@value VhostDevice#MOST_MTU}
     */
    public void mtu(long mtu) throws ControlException {
        if (mtu < VhostDevice.LEAST_MTU || mtu > VhostDevice.MOST_MTU) {
            throw new ControlException("MTU %s is not in %d..%d"
                    .formatted(Long.toUnsignedString(mtu), VhostDevice.LEAST_MTU, VhostDevice.MOST_MTU));
        }
        link.mtu((int) mtu);
    }

    /**
     * Tells the network where the guest is now: the next burst from it begins with a RARP packet in its name.
     *
     * @param mac the guest's address, 48 bits
     */
    public void announce(long mac) throws ControlException {
        if (mac >>> 48 != 0) {
            throw new ControlException("address 0x%x has more than 48 bits".formatted(mac));
        }
        link.announcement().request(mac);
        QueueAccess.control(device.queue(NetworkRings.FIRST_FROM_GUEST)).wake();
    }

    /**
     * Takes the socket for requests to the front-end. There are none yet; it is kept as long as the
     * connection.
     */
    public void backendChannel(Descriptor socket) {
        if (backendChannel != null) {
            backendChannel.close();
        }
        backendChannel = socket;
    }

    /**
     * To be called after each request, before it is answered: tells the listener when the device has become
     * complete.
     */
    public void messageHandled() {
        if (!announced && NetworkRings.isReady(
                device, ProtocolFeature.STATUS.in(protocolFeatures), status)) {
            announced = true;
            voice.tell("newDevice", DeviceListener::newDevice);
        }
        publish();
    }

    /** Lets others see how the device is, without a lock. */
    private void publish() {
        link.snapshot(new DeviceSnapshot(features(), device.features(), protocolFeatures, status, announced,
                memory.regions(), memory.backings(), memory.logBytes()));
    }

    /** The front-end has gone: ends everything, closes every descriptor. A second call has no effect. */
    public void disconnected() {
        disconnected("the connection has ended");
    }

    /**
     * The same with a reason.
     *
     * @param why for the log
     */
    public void disconnected(String why) {
        retract();
        // Before the queues stop, which wakes who waits for them: whoever comes later sees it himself.
        link.end();
        Ending ending = new Ending();
        for (int i = 0; i < queueCount(); i++) {
            QueueControl control = QueueAccess.control(device.queue(i));
            ending.step(control::stop);
            ending.step(() -> control.dirtyLog(null));
            ending.step(control::closeDescriptors);
        }
        ending.step(voice.signalWorker()::close);
        ending.step(memory::release);
        ending.step(() -> backendChannel(null));
        if (connected) {
            connected = false;
            voice.say("disconnected: " + why);
            voice.tell("destroyConnection", DeviceListener::destroyConnection);
        }
        ending.throwFailure();
    }

    private void retract() {
        if (announced) {
            announced = false;
            voice.tell("destroyDevice", DeviceListener::destroyDevice);
        }
    }
}
