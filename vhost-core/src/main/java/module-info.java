/** Virtqueues shared with virtual machines and DPDK processes, over vhost-user. */
module io.vhost.core {
    requires static com.google.errorprone.annotations;
    requires com.fasterxml.jackson.core;
    requires info.picocli;

    exports io.vhost.bpf;
    exports io.vhost.bpf.btf;
    exports io.vhost.memory;

    opens io.vhost.app to info.picocli;
}
