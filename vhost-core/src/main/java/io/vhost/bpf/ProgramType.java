package io.vhost.bpf;

import java.util.Collections;
import java.util.EnumSet;
import java.util.Set;

/**
 * The program types of Linux 6.18 with the context that each takes: the one table of this package, in id
 * order.
 *
 * <p>A program is written against the first type; the kernel hands over the second and rewrites the program's
 * accesses. Sources: {@code include/linux/bpf_types.h} since "bpf: Annotate context types" (2019),
 * {@code enum bpf_prog_type} of linux/bpf.h. The constants are the kernel's without {@code BPF_PROG_TYPE_}.
 */
public enum ProgramType {
    SOCKET_FILTER(1, "struct __sk_buff", "struct sk_buff"),
    KPROBE(2, "bpf_user_pt_regs_t", "struct pt_regs"),
    SCHED_CLS(3, "struct __sk_buff", "struct sk_buff"),
    SCHED_ACT(4, "struct __sk_buff", "struct sk_buff"),
    TRACEPOINT(5, "__u64", "u64"),
    XDP(6, "struct xdp_md", "struct xdp_buff"),
    PERF_EVENT(7, "struct bpf_perf_event_data", "struct bpf_perf_event_data_kern"),
    CGROUP_SKB(8, "struct __sk_buff", "struct sk_buff"),
    CGROUP_SOCK(9, "struct bpf_sock", "struct sock"),
    LWT_IN(10, "struct __sk_buff", "struct sk_buff"),
    LWT_OUT(11, "struct __sk_buff", "struct sk_buff"),
    LWT_XMIT(12, "struct __sk_buff", "struct sk_buff"),
    SOCK_OPS(13, "struct bpf_sock_ops", "struct bpf_sock_ops_kern"),
    SK_SKB(14, "struct __sk_buff", "struct sk_buff"),
    CGROUP_DEVICE(15, "struct bpf_cgroup_dev_ctx", "struct bpf_cgroup_dev_ctx"),
    SK_MSG(16, "struct sk_msg_md", "struct sk_msg"),
    RAW_TRACEPOINT(17, "struct bpf_raw_tracepoint_args", "u64"),
    CGROUP_SOCK_ADDR(18, "struct bpf_sock_addr", "struct bpf_sock_addr_kern"),
    LWT_SEG6LOCAL(19, "struct __sk_buff", "struct sk_buff"),
    LIRC_MODE2(20, "__u32", "u32"),
    SK_REUSEPORT(21, "struct sk_reuseport_md", "struct sk_reuseport_kern"),
    FLOW_DISSECTOR(22, "struct __sk_buff", "struct bpf_flow_dissector"),
    CGROUP_SYSCTL(23, "struct bpf_sysctl", "struct bpf_sysctl_kern"),
    RAW_TRACEPOINT_WRITABLE(24, "struct bpf_raw_tracepoint_args", "u64"),
    CGROUP_SOCKOPT(25, "struct bpf_sockopt", "struct bpf_sockopt_kern"),
    TRACING(26, "void *", "void *"),
    STRUCT_OPS(27, "void *", "void *"),
    EXT(28, "void *", "void *"),
    LSM(29, "void *", "void *"),
    SK_LOOKUP(30, "struct bpf_sk_lookup", "struct bpf_sk_lookup_kern"),
    SYSCALL(31, "void *", "void *"),
    NETFILTER(32, "struct bpf_nf_ctx", "struct bpf_nf_ctx");

    /** The 26 types that had annotated contexts from the start, in 2019. */
    public static final Set<ProgramType> SEED = Collections.unmodifiableSet(EnumSet.complementOf(
            EnumSet.of(STRUCT_OPS, EXT, LSM, SK_LOOKUP, SYSCALL, NETFILTER)));

    private final int id;
    private final String program;
    private final String kernel;

    ProgramType(int id, String program, String kernel) {
        this.id = id;
        this.program = program;
        this.kernel = kernel;
    }

    /** The kernel's number. */
    public int id() {
        return id;
    }

    /** The kernel's name. */
    public String kernelName() {
        return "BPF_PROG_TYPE_" + name();
    }

    /** What the program's argument points to. */
    public ContextType programContext() {
        return ContextType.of(program);
    }

    /** What the kernel hands over. */
    public ContextType kernelContext() {
        return ContextType.of(kernel);
    }

    /** The type with this number, or null. */
    public static ProgramType of(int id) {
        for (ProgramType type : values()) {
            if (type.id == id) {
                return type;
            }
        }
        return null;
    }
}
