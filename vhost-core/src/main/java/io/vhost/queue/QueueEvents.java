package io.vhost.queue;

import jdk.jfr.Category;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import jdk.jfr.Timespan;

/** What Flight Recorder is told about asynchronous queues and the use of their locks. */
public final class QueueEvents {
    private final String device;
    private final int index;

    /** The events of one queue. */
    QueueEvents(String device, int index) {
        this.device = device;
        this.index = index;
    }

    /** Asynchronous copies were registered. */
    public void registered() {
        new Register().emitFor(device, index);
    }

    /** Asynchronous copies were unregistered. */
    public void unregistered() {
        new Unregister().emitFor(device, index);
    }

    /** A call that needs the queue's lock was made without it. */
    public void lockMisuse(String call) {
        LockMisuse event = new LockMisuse();
        if (event.isEnabled()) {
            event.call = call;
            event.emitFor(device, index);
        }
    }

    /** A burst ended early because the DMA channel was full. */
    public void truncated(int accepted, int offered) {
        Truncation event = new Truncation();
        if (event.isEnabled()) {
            event.accepted = accepted;
            event.offered = offered;
            event.emitFor(device, index);
        }
    }

    /** A copy takes longer than the configured threshold; {@code age} is in nanoseconds. */
    public void copyStalled(long age, int underWay) {
        CopyStall event = new CopyStall();
        if (event.isEnabled()) {
            event.age = age;
            event.underWay = underWay;
            event.emitFor(device, index);
        }
    }

    /** An event about one queue. */
    @Category({"vhost", "Queue"})
    abstract static class QueueEvent extends Event {
        @Label("Device")
        String device;

        @Label("Queue")
        int index;

        QueueEvent() {}

        final void emitFor(String deviceName, int queueIndex) {
            device = deviceName;
            index = queueIndex;
            commit();
        }
    }

    /** Asynchronous copies were registered. */
    @Name("io.vhost.AsyncRegister")
    @Label("Async register")
    static final class Register extends QueueEvent {}

    /** Asynchronous copies were unregistered. */
    @Name("io.vhost.AsyncUnregister")
    @Label("Async unregister")
    static final class Unregister extends QueueEvent {}

    /** A call that needs the queue's lock was made without it. */
    @Name("io.vhost.LockMisuse")
    @Label("Lock misuse")
    @StackTrace
    static final class LockMisuse extends QueueEvent {
        @Label("Call")
        String call;
    }

    /** A burst ended early because the DMA channel was full. */
    @Name("io.vhost.DmaTruncation")
    @Label("DMA truncation")
    @StackTrace(false)
    static final class Truncation extends QueueEvent {
        @Label("Accepted")
        int accepted;

        @Label("Offered")
        int offered;
    }

    /** A copy takes longer than the configured threshold. */
    @Name("io.vhost.CopyStall")
    @Label("Copy stall")
    @StackTrace(false)
    static final class CopyStall extends QueueEvent {
        @Label("Age")
        @Timespan(Timespan.NANOSECONDS)
        long age;

        @Label("Packets under way")
        int underWay;
    }
}
