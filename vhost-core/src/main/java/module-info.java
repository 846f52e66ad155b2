/**
 * Virtqueues shared with virtual machines and DPDK processes, over vhost-user.
 *
 * <p>An application begins with {@code io.vhost.server} and gets devices and queues of
 * {@code io.vhost.device}, packets of {@code io.vhost.net}; {@code io.vhost.driver} is the guest's side.
 * {@code io.vhost.bpf} looks into eBPF objects and stands alone.
 */
@SuppressWarnings("requires-automatic") // JCTools names its module in the manifest and has no descriptor.
module io.vhost.core {
    requires static com.google.errorprone.annotations;
    requires static java.logging;
    requires com.fasterxml.jackson.core;
    requires info.picocli;
    requires jdk.jfr;
    requires org.jctools.core;
    requires org.jline.terminal;

    exports io.vhost.bpf;
    exports io.vhost.bpf.btf;
    exports io.vhost.bpf.btf.check;
    exports io.vhost.bpf.context;
    exports io.vhost.device;
    exports io.vhost.dma;
    exports io.vhost.driver;
    exports io.vhost.limit;
    exports io.vhost.memory;
    exports io.vhost.monitor;
    exports io.vhost.monitor.command;
    exports io.vhost.net;
    exports io.vhost.queue;
    exports io.vhost.ring;
    exports io.vhost.server;

    opens io.vhost.app to info.picocli;
    opens io.vhost.app.bpf to info.picocli;
    opens io.vhost.app.cli to info.picocli;
    opens io.vhost.app.demo to info.picocli;
    opens io.vhost.app.forward to info.picocli;
    opens io.vhost.app.top to info.picocli;
    opens io.vhost.app.vswitch to info.picocli;
}
