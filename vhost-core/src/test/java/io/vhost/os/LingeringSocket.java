package io.vhost.os;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;

/** A TCP connection that nobody reads, whose sending end's last close takes an hour, or until it is reset. */
public final class LingeringSocket implements AutoCloseable {
    private static final int AF_INET = 2;
    private static final int SOCK_STREAM = 1;
    private static final int SOL_SOCKET = 1;
    private static final int SO_LINGER = 13;
    private static final int HOUR = 3600;

    private final UnixSocket sending;    // the calls are the same
    private final SocketChannel reading;

    /** A connection in whose buffers nothing more fits. */
    public LingeringSocket() throws IOException {
        try (ServerSocketChannel server = ServerSocketChannel.open(); Arena arena = Arena.ofConfined()) {
            server.bind(new InetSocketAddress(InetAddress.getByAddress(new byte[] {127, 0, 0, 1}), 0));
            int port = ((InetSocketAddress) server.getLocalAddress()).getPort();
            Descriptor socket = Descriptor.adopt(
                    Libc.socket(AF_INET, SOCK_STREAM | UnixSocket.SOCK_CLOEXEC, 0));
            sending = UnixSocket.adopt(socket);
            MemorySegment address = arena.allocateFrom(JAVA_BYTE, (byte) AF_INET, (byte) 0,
                    (byte) (port >> 8), (byte) port, (byte) 127, (byte) 0, (byte) 0, (byte) 1,
                    (byte) 0, (byte) 0, (byte) 0, (byte) 0, (byte) 0, (byte) 0, (byte) 0, (byte) 0);
            assertEquals(0, Libc.connect(socket.fd(), address, (int) address.byteSize()));
            reading = server.accept();
            MemorySegment linger = arena.allocateFrom(JAVA_INT, 1, HOUR);
            assertEquals(0, Libc.setsockopt(
                    socket.fd(), SOL_SOCKET, SO_LINGER, linger, (int) linger.byteSize()));
        }
        byte[] bytes = new byte[1 << 16];
        while (sending.trySend(bytes, 0, bytes.length) > 0) {
            // More fits.
        }
    }

    /** The sending end's number, to be sent to somebody; afterwards {@link #leave} to him to close it. */
    public int fd() {
        return sending.descriptor().fd();
    }

    /** Closes the sending end here, where somebody else has it, too. */
    public void leave() {
        sending.close();
    }

    /** Resets the connection: whoever waits in a close does so no longer. */
    @Override
    public void close() throws IOException {
        reading.close();
        sending.close();
    }
}
