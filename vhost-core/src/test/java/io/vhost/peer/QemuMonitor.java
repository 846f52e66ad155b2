package io.vhost.peer;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** QEMU's monitor, as far as tests need it. One thread. */
final class QemuMonitor implements AutoCloseable {
    private final SocketChannel channel;
    private final BufferedReader in;
    private final Writer out;

    private QemuMonitor(SocketChannel channel) {
        this.channel = channel;
        this.in = new BufferedReader(Channels.newReader(channel, StandardCharsets.UTF_8));
        this.out = Channels.newWriter(channel, StandardCharsets.UTF_8);
    }

    static QemuMonitor connect(Path socket) throws IOException {
        SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        channel.connect(UnixDomainSocketAddress.of(socket));
        QemuMonitor monitor = new QemuMonitor(channel);
        monitor.in.readLine();
        monitor.execute("qmp_capabilities", "{}");
        return monitor;
    }

    /** The line with the answer; events are left out. */
    String execute(String command, String arguments) throws IOException {
        out.write("{\"execute\":\"" + command + "\",\"arguments\":" + arguments + "}\n");
        out.flush();
        while (true) {
            String line = in.readLine();
            if (line.startsWith("{\"return\"") || line.startsWith("{\"error\"")) {
                return line;
            }
        }
    }

    /** Waits for the end of a migration, which must succeed. */
    void awaitMigration() throws IOException {
        while (true) {
            String answer = execute("query-migrate", "{}");
            if (answer.contains("\"completed\"")) {
                return;
            }
            assertTrue(!answer.contains("\"failed\"") && !answer.contains("\"error\""), answer);
            Thread.onSpinWait();
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
