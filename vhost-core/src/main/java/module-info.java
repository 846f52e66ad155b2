/**
 * Virtqueues shared with virtual machines and DPDK processes, over vhost-user.
 *
 * <p>An application begins with {@code io.vhost.server} and gets devices and queues of
 * {@code io.vhost.device}, packets of {@code io.vhost.net}; what can be seen of them while they work is in
 * {@code io.vhost.state}. {@code io.vhost.driver} is the guest's side. {@code io.vhost.bpf} looks into eBPF
 * objects and stands alone; {@code io.vhost.program} runs them on queues. {@code io.vhost.capture} records
 * packets.
 *
 * <p>What is exported is all that an application needs, and mentions nothing else. Rings, guest memory and
 * the transport's side of devices are not exported.
 *
 * <p>What is {@code static} below may be absent: a program without a monitor, metrics and the command line
 * needs JCTools alone. On a module path {@code --add-modules} adds the others.
 */
@SuppressWarnings("requires-automatic")   // Prometheus has no module descriptors
module io.vhost.core {
    // Locks of the API, for compilers: an application's reads the annotation, no JVM does.
    requires static transitive com.google.errorprone.annotations;
    requires static com.fasterxml.jackson.core;   // the monitor
    requires static io.prometheus.metrics.config;   // metrics
    requires static io.prometheus.metrics.exporter.httpserver;   // metrics
    requires static io.prometheus.metrics.model;   // metrics
    requires static info.picocli;   // the command line
    requires static java.logging;   // the command line
    requires static java.management;   // metrics by JMX
    requires static jdk.httpserver;   // metrics
    requires jdk.jfr;
    requires org.jctools.core;
    requires static org.jline.terminal;   // the command line

    exports io.vhost.bpf;
    exports io.vhost.bpf.btf;
    exports io.vhost.bpf.btf.check;
    exports io.vhost.bpf.context;
    exports io.vhost.capture;
    exports io.vhost.capture.command;
    exports io.vhost.device;
    exports io.vhost.dma;
    exports io.vhost.dma.engine;
    exports io.vhost.driver;
    exports io.vhost.limit;
    exports io.vhost.monitor;
    exports io.vhost.monitor.command;
    exports io.vhost.net;
    exports io.vhost.program;
    exports io.vhost.program.command;
    exports io.vhost.server;
    exports io.vhost.state;

    opens io.vhost.app to info.picocli;
    opens io.vhost.app.bpf to info.picocli;
    opens io.vhost.app.cli to info.picocli;
    opens io.vhost.app.demo to info.picocli;
    opens io.vhost.app.extcap to info.picocli;
    opens io.vhost.app.forward to info.picocli;
    opens io.vhost.app.service to info.picocli;
    opens io.vhost.app.top to info.picocli;
    opens io.vhost.app.vswitch to info.picocli;
}
