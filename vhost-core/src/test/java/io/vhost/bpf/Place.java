package io.vhost.bpf;

import io.vhost.bpf.btf.Btf;
import io.vhost.bpf.btf.BtfKind;
import io.vhost.bpf.btf.BtfType;
import io.vhost.bpf.context.AttachType;
import io.vhost.bpf.context.ContextCheck;
import io.vhost.bpf.context.ContextTypes;
import io.vhost.bpf.context.ProgramType;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A program type with what the kernel wants to know about the place where it would be attached.
 *
 * @param type       the type
 * @param attachType where, as far as the check needs it
 * @param expected   the attach type's number, or the index of a struct_ops member
 * @param btfId      what it is attached to in the kernel's BTF, or 0
 */
record Place(ProgramType type, Optional<AttachType> attachType, int expected, int btfId) {
    ContextCheck.Target target() {
        return new ContextCheck.Target(type, attachType, Optional.empty());
    }

    /** One place or more for each type that the running kernel can load; not for extensions. */
    static List<Place> all(Btf host, ContextTypes types) {
        List<Place> places = new ArrayList<>();
        for (ProgramType type : ProgramType.values()) {
            if (types.pair(type).isPresent() && type != ProgramType.EXT) {
                places.addAll(of(type, host));
            }
        }
        return places;
    }

    private static List<Place> of(ProgramType type, Btf host) {
        return switch (type) {
            case TRACING -> List.of(
                    at(type, AttachType.TRACE_FENTRY, host.find(BtfKind.FUNC, "vfs_read")),
                    at(type, AttachType.TRACE_FEXIT, host.find(BtfKind.FUNC, "vfs_read")),
                    at(type, AttachType.TRACE_RAW_TP, host.find(BtfKind.TYPEDEF, "btf_trace_sched_switch")),
                    at(type, AttachType.TRACE_ITER, host.find(BtfKind.FUNC, "bpf_iter_task")));
            case LSM -> List.of(at(type, AttachType.LSM_MAC, host.find(BtfKind.FUNC, "bpf_lsm_file_open")));
            case STRUCT_OPS -> List.of(congestionControl(host));
            case NETFILTER -> List.of(at(type, AttachType.NETFILTER, 0));
            case CGROUP_SOCK -> List.of(at(type, AttachType.CGROUP_INET_SOCK_CREATE, 0));
            case CGROUP_SOCK_ADDR -> List.of(at(type, AttachType.CGROUP_INET4_CONNECT, 0));
            case CGROUP_SOCKOPT -> List.of(at(type, AttachType.CGROUP_GETSOCKOPT, 0));
            case SK_LOOKUP -> List.of(at(type, AttachType.SK_LOOKUP, 0));
            case SK_REUSEPORT -> List.of(at(type, AttachType.SK_REUSEPORT_SELECT, 0));
            default -> List.of(new Place(type, Optional.empty(), 0, 0));
        };
    }

    private static Place at(ProgramType type, AttachType attachType, int btfId) {
        return new Place(type, Optional.of(attachType), attachType.id(), btfId);
    }

    private static Place congestionControl(Btf host) {
        int id = host.find(BtfKind.STRUCT, "tcp_congestion_ops");
        List<String> members = ((BtfType.Composite) host.type(id)).members().stream()
                .map(BtfType.Member::name).toList();
        return new Place(ProgramType.STRUCT_OPS, Optional.empty(), members.indexOf("ssthresh"), id);
    }
}
