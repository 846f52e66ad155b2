package io.vhost.app.demo;

/**
 * One direction of the demo's traffic. Any thread.
 *
 * @param name of the direction
 * @param source where it begins
 * @param sink where it ends
 */
record DemoFlow(String name, TrafficSource source, TrafficSink sink) {
    /** Packets that have been sent and have not arrived, lost ones until a later one shows that. */
    long underway() {
        return Math.max(0, source.sent() - sink.next());
    }

    /** Packets that did not arrive; final when nothing is under way any more. */
    long lost() {
        return Math.max(0, source.sent() - sink.received());
    }

    /** Packets that have been sent or received. */
    long moved() {
        return source.sent() + sink.received();
    }

    /** Whether every packet arrived in order and unchanged; for when the traffic is over. */
    boolean isIntact() {
        return sink.received() == source.sent() && sink.disordered() == 0 && sink.corrupted() == 0;
    }
}
