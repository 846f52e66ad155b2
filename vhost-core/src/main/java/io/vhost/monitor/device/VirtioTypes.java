package io.vhost.monitor.device;

import io.vhost.monitor.command.Type;
import io.vhost.monitor.command.Type.Member;

/** Results of the commands about virtio devices, as QEMU's schema has them. */
final class VirtioTypes {
    private static final Type TEXTS = Type.array(Type.STRING);
    private static final Type FEATURES = Type.object(
            Member.of("transports", TEXTS), Member.optional("dev-features", TEXTS),
            Member.optional("unknown-dev-features", Type.UINT64));
    private static final Type PROTOCOLS = Type.object(
            Member.of("protocols", TEXTS), Member.optional("unknown-protocols", Type.UINT64));

    /** A queue's positions, and where it lies in the guest. */
    static final Type QUEUE_STATUS = Type.object(
            Member.of("name", Type.STRING), Member.of("queue-index", Type.UINT16),
            Member.of("inuse", Type.UINT32),
            Member.of("vring-num", Type.UINT32), Member.of("vring-num-default", Type.UINT32),
            Member.of("vring-align", Type.UINT32), Member.of("vring-desc", Type.UINT64),
            Member.of("vring-avail", Type.UINT64), Member.of("vring-used", Type.UINT64),
            Member.optional("last-avail-idx", Type.UINT16), Member.optional("shadow-avail-idx", Type.UINT16),
            Member.of("used-idx", Type.UINT16), Member.of("signalled-used", Type.UINT16),
            Member.of("signalled-used-valid", Type.BOOLEAN));

    /** Where a queue lies in our memory. */
    static final Type VHOST_QUEUE_STATUS = Type.object(
            Member.of("name", Type.STRING), Member.of("kick", Type.INT), Member.of("call", Type.INT),
            Member.of("desc", Type.UINT64), Member.of("avail", Type.UINT64), Member.of("used", Type.UINT64),
            Member.of("num", Type.INT), Member.of("desc-phys", Type.UINT64),
            Member.of("desc-size", Type.UINT32),
            Member.of("avail-phys", Type.UINT64), Member.of("avail-size", Type.UINT32),
            Member.of("used-phys", Type.UINT64), Member.of("used-size", Type.UINT32));

    /** What the driver has offered at one position of a ring. */
    static final Type QUEUE_ELEMENT = Type.object(
            Member.of("name", Type.STRING), Member.of("index", Type.UINT32),
            Member.of("descs", Type.array(Type.object(
                    Member.of("addr", Type.UINT64), Member.of("len", Type.UINT32),
                    Member.of("flags", TEXTS)))),
            Member.of("avail", Type.object(
                    Member.of("flags", Type.UINT16), Member.of("idx", Type.UINT16),
                    Member.of("ring", Type.UINT16))),
            Member.of("used", Type.object(Member.of("flags", Type.UINT16), Member.of("idx", Type.UINT16))));

    private static final Type VHOST = Type.object(
            Member.of("n-mem-sections", Type.INT), Member.of("n-tmp-sections", Type.INT),
            Member.of("nvqs", Type.UINT32), Member.of("vq-index", Type.INT), Member.of("features", FEATURES),
            Member.of("acked-features", FEATURES), Member.of("backend-features", FEATURES),
            Member.of("protocol-features", PROTOCOLS), Member.of("max-queues", Type.UINT64),
            Member.of("backend-cap", Type.UINT64), Member.of("log-enabled", Type.BOOLEAN),
            Member.of("log-size", Type.UINT64));

    /** A device. */
    static final Type STATUS = Type.object(
            Member.of("name", Type.STRING), Member.of("device-id", Type.UINT16),
            Member.of("vhost-started", Type.BOOLEAN), Member.of("device-endian", Type.STRING),
            Member.of("guest-features", FEATURES), Member.of("host-features", FEATURES),
            Member.of("backend-features", FEATURES), Member.of("num-vqs", Type.INT),
            Member.of("status", Type.object(
                    Member.of("statuses", TEXTS), Member.optional("unknown-statuses", Type.UINT16))),
            Member.of("isr", Type.UINT16), Member.of("queue-sel", Type.UINT16),
            Member.of("vm-running", Type.BOOLEAN), Member.of("broken", Type.BOOLEAN),
            Member.of("disabled", Type.BOOLEAN), Member.of("use-started", Type.BOOLEAN),
            Member.of("started", Type.BOOLEAN), Member.of("start-on-kick", Type.BOOLEAN),
            Member.of("disable-legacy-check", Type.BOOLEAN), Member.of("bus-name", Type.STRING),
            Member.of("use-guest-notifier-mask", Type.BOOLEAN), Member.optional("vhost-dev", VHOST));

    private VirtioTypes() {}
}
