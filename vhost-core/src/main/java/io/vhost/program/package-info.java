/**
 * eBPF programs on queues: an application loads a {@link io.vhost.program.ProgramObject}, takes a
 * {@link io.vhost.program.QueueProgram} of it, attaches that to a {@link io.vhost.device.ProgramChain} and
 * gives the chain to queues. While packets pass it reads and fills the object's
 * {@link io.vhost.program.ProgramMap}s.
 *
 * <h2>What a program sees</h2>
 *
 * <p>Programs of XDP and of tc run, in both directions. A packet is in one piece, however many buffers the
 * guest had it in, and private: it was copied before the program runs, so that the guest cannot change what
 * was looked at. That holds unless the application's pool lies over memory that it shares.
 *
 * <ul>
 *   <li>The interface index is the number of the {@link io.vhost.device.ProgramChain}, the queue index that
 *       of the queue pair.
 *   <li>The head room is that of the packet, 128 bytes unless the pool has another, of which a program gets
 *       what Linux leaves it: 40 bytes less.
 *   <li>{@code data_meta} lies 12 bytes before {@code data} for programs that ask for it, and holds the
 *       packet's virtio-net header ({@link io.vhost.net.NetHeader}). What a program writes there becomes the
 *       packet's if it can be carried out; else the packet is dropped, as aborted.
 *   <li>A packet that is to be segmented later (GSO) is seen as the guest sent it, with its type and size in
 *       the virtio-net header, or in {@code gso_size} of {@code __sk_buff}.
 *   <li>A checksum that is still to be computed is seen as the guest left it: the sum of the pseudo-header
 *       stands in its place. After a program has run, that sum is made anew from the packet's addresses, so
 *       that a program may rewrite addresses and ports and update the checksum in the usual ways. If the
 *       program has made something else of the packet, what it has put there stands, and the request is
 *       taken back.
 *   <li>Of {@code __sk_buff} there are {@code len}, {@code protocol}, {@code queue_mapping}, {@code ifindex},
 *       {@code ingress_ifindex}, {@code gso_size}; the other fields are 0.
 * </ul>
 *
 * <h2>What becomes of packets</h2>
 *
 * <p>Actions of XDP are those of {@link io.vhost.device.Verdict}; a number above is aborted, as in Linux. Of
 * tc, {@code TC_ACT_SHOT}, {@code STOLEN}, {@code QUEUED} and {@code TRAP} drop, {@code REDIRECT} redirects,
 * all others pass.
 */
package io.vhost.program;
