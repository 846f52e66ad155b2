/**
 * The operating system: Linux calls on 64-bit little-endian machines, through {@code java.lang.foreign}.
 *
 * <p>This package knows nothing of virtio. It is the only one that makes native calls, and the only one in
 * which restricted methods are allowed. It is not exported.
 *
 * <p>How the classes fit: {@link io.vhost.os.Descriptor} owns a file descriptor. {@link io.vhost.os.EventFd},
 * {@link io.vhost.os.UnixSocket} and {@link io.vhost.os.UnixListener} own a {@code Descriptor} and add its
 * verbs. {@link io.vhost.os.Mapping} gives the memory of descriptors an address, be they a peer's or our own
 * from {@link io.vhost.os.MemFd}. {@link io.vhost.os.Poll} waits for several descriptors. {@code Libc} below
 * them holds one method handle per libc function.
 *
 * <h2>Conventions</h2>
 * <ul>
 * <li>A file descriptor has exactly one owner, a {@code Descriptor}. A method that takes a {@code Descriptor}
 *     over says so, and owns it from then on even if it fails.
 * <li>Every descriptor is close-on-exec from birth.
 * <li>A call interrupted by a signal is repeated, except {@code close}, where Linux has let go of the number.
 * <li>A call that fails throws {@link io.vhost.os.OsException} with the call, its operands and the error.
 *     What a well-behaved process has to expect from a peer is a return value or a checked exception.
 * <li>Offsets and lengths are bytes.
 * </ul>
 */
package io.vhost.os;
