package io.vhost.bpf.context;

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
    /** {@code BPF_PROG_TYPE_SOCKET_FILTER}. */
    SOCKET_FILTER(1, "struct __sk_buff", "struct sk_buff"),
    /** {@code BPF_PROG_TYPE_KPROBE}. */
    KPROBE(2, "bpf_user_pt_regs_t", "struct pt_regs"),
    /** {@code BPF_PROG_TYPE_SCHED_CLS}. */
    SCHED_CLS(3, "struct __sk_buff", "struct sk_buff"),
    /** {@code BPF_PROG_TYPE_SCHED_ACT}. */
    SCHED_ACT(4, "struct __sk_buff", "struct sk_buff"),
    /** {@code BPF_PROG_TYPE_TRACEPOINT}. */
    TRACEPOINT(5, "__u64", "u64"),
    /** {@code BPF_PROG_TYPE_XDP}. */
    XDP(6, "struct xdp_md", "struct xdp_buff"),
    /** {@code BPF_PROG_TYPE_PERF_EVENT}. */
    PERF_EVENT(7, "struct bpf_perf_event_data", "struct bpf_perf_event_data_kern"),
    /** {@code BPF_PROG_TYPE_CGROUP_SKB}. */
    CGROUP_SKB(8, "struct __sk_buff", "struct sk_buff"),
    /** {@code BPF_PROG_TYPE_CGROUP_SOCK}. */
    CGROUP_SOCK(9, "struct bpf_sock", "struct sock"),
    /** {@code BPF_PROG_TYPE_LWT_IN}. */
    LWT_IN(10, "struct __sk_buff", "struct sk_buff"),
    /** {@code BPF_PROG_TYPE_LWT_OUT}. */
    LWT_OUT(11, "struct __sk_buff", "struct sk_buff"),
    /** {@code BPF_PROG_TYPE_LWT_XMIT}. */
    LWT_XMIT(12, "struct __sk_buff", "struct sk_buff"),
    /** {@code BPF_PROG_TYPE_SOCK_OPS}. */
    SOCK_OPS(13, "struct bpf_sock_ops", "struct bpf_sock_ops_kern"),
    /** {@code BPF_PROG_TYPE_SK_SKB}. */
    SK_SKB(14, "struct __sk_buff", "struct sk_buff"),
    /** {@code BPF_PROG_TYPE_CGROUP_DEVICE}. */
    CGROUP_DEVICE(15, "struct bpf_cgroup_dev_ctx", "struct bpf_cgroup_dev_ctx"),
    /** {@code BPF_PROG_TYPE_SK_MSG}. */
    SK_MSG(16, "struct sk_msg_md", "struct sk_msg"),
    /** {@code BPF_PROG_TYPE_RAW_TRACEPOINT}. */
    RAW_TRACEPOINT(17, "struct bpf_raw_tracepoint_args", "u64"),
    /** {@code BPF_PROG_TYPE_CGROUP_SOCK_ADDR}. */
    CGROUP_SOCK_ADDR(18, "struct bpf_sock_addr", "struct bpf_sock_addr_kern"),
    /** {@code BPF_PROG_TYPE_LWT_SEG6LOCAL}. */
    LWT_SEG6LOCAL(19, "struct __sk_buff", "struct sk_buff"),
    /** {@code BPF_PROG_TYPE_LIRC_MODE2}. */
    LIRC_MODE2(20, "__u32", "u32"),
    /** {@code BPF_PROG_TYPE_SK_REUSEPORT}. */
    SK_REUSEPORT(21, "struct sk_reuseport_md", "struct sk_reuseport_kern"),
    /** {@code BPF_PROG_TYPE_FLOW_DISSECTOR}. */
    FLOW_DISSECTOR(22, "struct __sk_buff", "struct bpf_flow_dissector"),
    /** {@code BPF_PROG_TYPE_CGROUP_SYSCTL}. */
    CGROUP_SYSCTL(23, "struct bpf_sysctl", "struct bpf_sysctl_kern"),
    /** {@code BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE}. */
    RAW_TRACEPOINT_WRITABLE(24, "struct bpf_raw_tracepoint_args", "u64"),
    /** {@code BPF_PROG_TYPE_CGROUP_SOCKOPT}. */
    CGROUP_SOCKOPT(25, "struct bpf_sockopt", "struct bpf_sockopt_kern"),
    /** {@code BPF_PROG_TYPE_TRACING}. */
    TRACING(26, "void *", "void *"),
    /** {@code BPF_PROG_TYPE_STRUCT_OPS}. */
    STRUCT_OPS(27, "void *", "void *"),
    /** {@code BPF_PROG_TYPE_EXT}. */
    EXT(28, "void *", "void *"),
    /** {@code BPF_PROG_TYPE_LSM}. */
    LSM(29, "void *", "void *"),
    /** {@code BPF_PROG_TYPE_SK_LOOKUP}. */
    SK_LOOKUP(30, "struct bpf_sk_lookup", "struct bpf_sk_lookup_kern"),
    /** {@code BPF_PROG_TYPE_SYSCALL}. */
    SYSCALL(31, "void *", "void *"),
    /** {@code BPF_PROG_TYPE_NETFILTER}. */
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
