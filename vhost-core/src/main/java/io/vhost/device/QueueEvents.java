package io.vhost.device;

import jdk.jfr.Category;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import jdk.jfr.Timespan;

/** What Flight Recorder is told about asynchronous queues and the use of their locks. */
final class QueueEvents {
    private QueueEvents() {}

    /** An event about one queue. */
    @Category({"vhost", "Queue"})
    abstract static class QueueEvent extends Event {
        @Label("Device")
        String device;

        @Label("Queue")
        int index;

        final void emitFor(VirtQueue queue) {
            device = queue.device().name();
            index = queue.index();
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

        static void emit(VirtQueue queue, String call) {
            LockMisuse event = new LockMisuse();
            if (event.isEnabled()) {
                event.call = call;
                event.emitFor(queue);
            }
        }
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

        static void emit(VirtQueue queue, int accepted, int offered) {
            Truncation event = new Truncation();
            if (event.isEnabled()) {
                event.accepted = accepted;
                event.offered = offered;
                event.emitFor(queue);
            }
        }
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

        static void emit(VirtQueue queue, long age, int underWay) {
            CopyStall event = new CopyStall();
            if (event.isEnabled()) {
                event.age = age;
                event.underWay = underWay;
                event.emitFor(queue);
            }
        }
    }
}
