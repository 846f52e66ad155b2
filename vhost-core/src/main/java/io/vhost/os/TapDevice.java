package io.vhost.os;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/**
 * One end of a network interface of this machine: what the kernel sends on the interface is read here, what
 * is written here the kernel receives. Each packet is an Ethernet frame behind a virtio-net header of
 * {@value #HEADER} bytes, so that checksums and segmentation can be left to the other side.
 *
 * <pre>
 * struct ifreq   0 name[16]   16 flags, MTU ...   40
 * </pre>
 *
 * <p>Thread: one reads, one writes. Neither waits: {@link #descriptor} can be watched by a {@link Poll}.
 */
public final class TapDevice implements AutoCloseable {
    /** Bytes of the virtio-net header before each frame: num_buffers included, as with VIRTIO_F_VERSION_1. */
    public static final int HEADER = 12;
    /** Longest name of an interface. */
    public static final int MAX_NAME = 15;

    /** Leave checksums of what is read here to us. */
    public static final int OFFLOAD_CSUM = 1;
    /** TCP over IPv4 may come uncut. Needs {@link #OFFLOAD_CSUM}. */
    public static final int OFFLOAD_TSO4 = 2;
    /** TCP over IPv6 may come uncut. Needs {@link #OFFLOAD_CSUM}. */
    public static final int OFFLOAD_TSO6 = 4;
    /** Uncut TCP may have the congestion bit. Needs one of the two. */
    public static final int OFFLOAD_TSO_ECN = 8;

    private static final String CLONE = "/dev/net/tun";
    private static final int O_RDWR = 2;
    private static final int O_NONBLOCK = 0x800;
    private static final int O_CLOEXEC = 0x80000;
    private static final int AF_INET = 2;
    private static final int SOCK_DGRAM_CLOEXEC = 2 | O_CLOEXEC;

    private static final long TUNSETIFF = 0x4004_54CAL;
    private static final long TUNSETOFFLOAD = 0x4004_54D0L;
    private static final long TUNSETVNETHDRSZ = 0x4004_54D8L;
    private static final long TUNSETVNETLE = 0x4004_54DCL;
    private static final long SIOCGIFFLAGS = 0x8913;
    private static final long SIOCSIFFLAGS = 0x8914;
    private static final long SIOCGIFMTU = 0x8921;
    private static final long SIOCSIFMTU = 0x8922;
    private static final short TAP_WITH_HEADER = 0x0002 | 0x1000 | 0x4000;
    private static final short IFF_UP = 1;

    private static final long IFREQ = 40;
    private static final long IFREQ_VALUE = 16;

    private final Descriptor descriptor;
    private final String name;

    private TapDevice(Descriptor descriptor, String name) {
        this.descriptor = descriptor;
        this.name = name;
    }

    /**
     * Opens an interface, and creates it if it does not exist; then it goes when it is closed. Its offloads
     * are off and its state is as it was: {@link #up} brings it up.
     *
     * @param name of the interface, 1 to {@value #MAX_NAME} bytes
     * @return the interface
     * @throws OsException with cause and remedy: no permission, in use, no such driver
     */
    public static TapDevice open(String name) {
        byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
        if (bytes.length == 0 || bytes.length > MAX_NAME || name.contains("/")) {
            throw new OsException("open tap " + name, Errno.EINVAL,
                    "give a name of 1 to " + MAX_NAME + " bytes without a slash");
        }
        try (Arena arena = Arena.ofConfined()) {
            int fd = Libc.open(arena.allocateFrom(CLONE), O_RDWR | O_NONBLOCK | O_CLOEXEC);
            if (fd < 0) {
                throw new OsException("open(" + CLONE + ")", -fd, openRemedy(-fd));
            }
            Descriptor descriptor = Descriptor.adopt(fd);
            try {
                TapDevice tap = new TapDevice(descriptor, name);
                MemorySegment request = tap.request(arena);
                request.set(JAVA_SHORT, IFREQ_VALUE, TAP_WITH_HEADER);
                int result = Libc.ioctl(fd, TUNSETIFF, request);
                if (result < 0) {
                    throw new OsException("open tap " + name, -result, attachRemedy(-result, name));
                }
                tap.control(fd, TUNSETVNETHDRSZ, "header size", arena.allocateFrom(JAVA_INT, HEADER));
                tap.control(fd, TUNSETVNETLE, "header order", arena.allocateFrom(JAVA_INT, 1));
                return tap;
            } catch (RuntimeException | Error e) {
                descriptor.close();
                throw e;
            }
        }
    }

    private static String openRemedy(int errno) {
        return switch (errno) {
            case Errno.EACCES, Errno.EPERM -> "run as root, or let this user read and write " + CLONE;
            case Errno.ENOENT -> "the kernel's tun driver is missing; load it with modprobe tun";
            default -> "the tun driver does not work";
        };
    }

    private static String attachRemedy(int errno, String name) {
        return switch (errno) {
            case Errno.EPERM, Errno.EACCES ->
                    "this needs CAP_NET_ADMIN; run as root, or let root prepare the interface: "
                    + "ip tuntap add dev " + name + " mode tap user NAME";
            case Errno.EBUSY -> "another process uses the interface; give another name, or end that process";
            case Errno.EINVAL -> "an interface of that name exists and is no tap interface for one queue";
            default -> "the interface cannot be used";
        };
    }

    /** {@return the name of the interface} */
    public String name() {
        return name;
    }

    /** {@return the descriptor, readable while packets wait; it stays this object's} */
    public Descriptor descriptor() {
        return descriptor;
    }

    /**
     * Says what the reader takes. Writers may leave everything to the kernel without asking.
     *
     * @param flags a sum of {@link #OFFLOAD_CSUM} and its neighbours
     */
    public void offloads(int flags) {
        control(descriptor.fd(), TUNSETOFFLOAD, "offloads", MemorySegment.ofAddress(flags));
    }

    /**
     * Sets the MTU. An interface that has it already is left alone, which needs no permission.
     *
     * @param bytes without the Ethernet header
     * @throws OsException if the kernel does not take it, or without permission
     */
    public void mtu(int bytes) {
        try (Arena arena = Arena.ofConfined(); Descriptor socket = socket()) {
            MemorySegment request = request(arena);
            control(socket.fd(), SIOCGIFMTU, "MTU", request);
            if (request.get(JAVA_INT, IFREQ_VALUE) != bytes) {
                request.set(JAVA_INT, IFREQ_VALUE, bytes);
                change(socket.fd(), SIOCSIFMTU, "MTU " + bytes, request, "mtu " + bytes);
            }
        }
    }

    /**
     * Brings the interface up. One that is up already is left alone, which needs no permission.
     *
     * @throws OsException without permission
     */
    public void up() {
        try (Arena arena = Arena.ofConfined(); Descriptor socket = socket()) {
            MemorySegment request = request(arena);
            control(socket.fd(), SIOCGIFFLAGS, "state", request);
            short flags = request.get(JAVA_SHORT, IFREQ_VALUE);
            if ((flags & IFF_UP) == 0) {
                request.set(JAVA_SHORT, IFREQ_VALUE, (short) (flags | IFF_UP));
                change(socket.fd(), SIOCSIFFLAGS, "state up", request, "up");
            }
        }
    }

    /**
     * Reads one packet, header first.
     *
     * @param into native memory
     * @param offset where the header goes
     * @param length room there; what does not fit is lost
     * @return bytes read; 0 if there is nothing to read
     * @throws OsException if the interface is gone or down
     */
    public int read(MemorySegment into, long offset, int length) {
        int fd = descriptor.fd();
        MemorySegment room = into.asSlice(offset, length);
        long result = Libc.read(fd, room, length);
        if (result >= 0) {
            return (int) result;
        }
        return switch ((int) -result) {
            case Errno.EAGAIN, Errno.EINTR -> 0;
            default -> throw new OsException("read from tap " + name, (int) -result);
        };
    }

    /**
     * Writes one packet, header first.
     *
     * @param from native memory
     * @param offset of the header
     * @param length of header and frame
     * @return false if the kernel did not take it:
     *     no room, an interface that is down, or a frame that is none
     */
    public boolean write(MemorySegment from, long offset, int length) {
        return Libc.writeWithoutErrno(descriptor.fd(), from.asSlice(offset, length), length) == length;
    }

    /** Closes the interface; one that {@link #open} has created goes. A second time has no effect. */
    @Override
    public void close() {
        descriptor.close();
    }

    private MemorySegment request(Arena arena) {
        MemorySegment request = arena.allocate(IFREQ, Long.BYTES);
        byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
        MemorySegment.copy(bytes, 0, request, JAVA_BYTE, 0, bytes.length);
        return request;
    }

    private static Descriptor socket() {
        int fd = Libc.socket(AF_INET, SOCK_DGRAM_CLOEXEC, 0);
        if (fd < 0) {
            throw new OsException("socket()", -fd);
        }
        return Descriptor.adopt(fd);
    }

    private void control(int fd, long request, String what, MemorySegment argument) {
        int result = Libc.ioctl(fd, request, argument);
        if (result < 0) {
            throw new OsException("set " + what + " of tap " + name, -result);
        }
    }

    /** What only an administrator may do, or may have done before. */
    private void change(int fd, long request, String what, MemorySegment argument, String command) {
        int result = Libc.ioctl(fd, request, argument);
        if (result == -Errno.EPERM || result == -Errno.EACCES) {
            throw new OsException("set " + what + " of tap " + name, -result,
                    "this needs CAP_NET_ADMIN; run as root, or let root do it before: ip link set dev "
                            + name + " " + command);
        }
        if (result < 0) {
            throw new OsException("set " + what + " of tap " + name, -result);
        }
    }

    @Override
    public String toString() {
        return "tap " + name;
    }
}
