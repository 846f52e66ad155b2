package example;

/** Names what the module does not export: each line is refused. */
final class Hidden {
    io.vhost.queue.DeviceQueue queue;
    io.vhost.ring.DeviceRing ring;
    io.vhost.memory.GuestMemory memory;
    io.vhost.control.DeviceControl control;
    io.vhost.dma.channel.CopyChannel channel;
    io.vhost.limit.account.ServerAccount account;
    io.vhost.net.custody.Custody custody;
}
