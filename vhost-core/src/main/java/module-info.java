/** Virtqueues shared with virtual machines and DPDK processes, over vhost-user. */
module io.vhost.core {
    requires static com.google.errorprone.annotations;

    exports io.vhost.bpf.btf;
}
