package io.vhost.monitor;

import io.vhost.monitor.json.JsonReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A client of a monitor, on the JDK's own sockets. Thread: one. */
public final class Client implements AutoCloseable {
    private final SocketChannel channel;
    private final ByteBuffer received = ByteBuffer.allocate(64 * 1024).limit(0);

    private boolean oneByOne;

    private Client(SocketChannel channel) {
        this.channel = channel;
    }

    /** Connects; the greeting is still to be read. */
    public static Client connect(Path path) {
        try {
            SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
            channel.connect(UnixDomainSocketAddress.of(path));
            return new Client(channel);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Connects as soon as somebody listens: a socket file is there a moment before. */
    public static Client connectSoon(Path path) {
        while (true) {
            try {
                return connect(path);
            } catch (UncheckedIOException nobody) {
                if (!(nobody.getCause() instanceof ConnectException)) {
                    throw nobody;
                }
                Thread.onSpinWait();
            }
        }
    }

    /** From now on each read takes one byte. */
    public Client readingBytes() {
        oneByOne = true;
        return this;
    }

    /** A client that has its greeting and may send commands. */
    public static Client negotiated(Path path) {
        Client client = connect(path);
        client.line();
        client.call("{\"execute\":\"qmp_capabilities\"}");
        return client;
    }

    /** A client that may send commands out of band, too. */
    public static Client outOfBand(Path path) {
        Client client = connect(path);
        client.line();
        client.call("{\"execute\":\"qmp_capabilities\",\"arguments\":{\"enable\":[\"oob\"]}}");
        return client;
    }

    public Client send(String text) {
        return send(text.getBytes(StandardCharsets.UTF_8));
    }

    public Client send(byte... bytes) {
        try {
            ByteBuffer buffer = ByteBuffer.wrap(bytes);
            while (buffer.hasRemaining()) {
                channel.write(buffer);
            }
            return this;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public void endInput() {
        try {
            channel.shutdownOutput();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The next byte; -1 at the end, orderly or not. */
    public int octet() {
        try {
            if (!received.hasRemaining()) {
                received.clear().limit(oneByOne ? 1 : received.capacity());
                int count = channel.read(received);
                received.flip();
                if (count < 0) {
                    received.limit(0);
                    return -1;
                }
            }
            return received.get() & 0xFF;
        } catch (IOException e) {
            return -1;
        }
    }

    /** Whether there is something to read, or the end. */
    public boolean isReadable() {
        if (received.hasRemaining()) {
            return true;
        }
        try {
            channel.configureBlocking(false);
            received.clear();
            int count = channel.read(received);
            received.flip();
            channel.configureBlocking(true);
            return count != 0;
        } catch (IOException e) {
            return true;
        }
    }

    /** The next line, without its end, which must be CRLF; null at the end. */
    public String line() {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        for (int c = octet(); c >= 0; c = octet()) {
            if (c == '\n') {
                String text = line.toString(StandardCharsets.UTF_8);
                if (!text.endsWith("\r")) {
                    throw new AssertionError("line without CR: " + text);
                }
                return text.substring(0, text.length() - 1);
            }
            line.write(c);
        }
        return line.size() == 0 ? null : "(incomplete) " + line.toString(StandardCharsets.UTF_8);
    }

    /** Reads up to and including {@code end}; what came before it. */
    public String until(String end) {
        StringBuilder text = new StringBuilder();
        while (!text.toString().endsWith(end)) {
            int c = octet();
            if (c < 0) {
                throw new AssertionError("the end, after: " + text);
            }
            text.append((char) c);
        }
        return text.substring(0, text.length() - end.length());
    }

    /** All lines up to the end. */
    public List<String> rest() {
        List<String> lines = new ArrayList<>();
        for (String line = line(); line != null; line = line()) {
            lines.add(line);
        }
        return lines;
    }

    /** Sends a message and takes one answer. */
    public String call(String message) {
        return send(message).line();
    }

    /** The next message that is not an event, as a value. */
    public Map<?, ?> answer() {
        Map<?, ?> message = parse(line());
        while (message.containsKey("event")) {
            message = parse(line());
        }
        return message;
    }

    /** The class of the error that a message is answered with. */
    public String errorClass(String message) {
        send(message);
        return answer().get("error") instanceof Map<?, ?> error ? (String) error.get("class") : null;
    }

    /** The text of the error that a message is answered with; null if there is none. */
    public String errorText(String message) {
        send(message);
        return answer().get("error") instanceof Map<?, ?> error ? (String) error.get("desc") : null;
    }

    public static Map<?, ?> parse(String line) {
        List<Object> values = new ArrayList<>();
        JsonReader reader = new JsonReader(new JsonReader.Limits(1 << 26, 1 << 21, 2048), (value, fault) -> {
            if (fault != null) {
                throw new AssertionError(fault.getMessage() + " in " + line);
            }
            values.add(value);
        });
        if (line == null) {
            throw new AssertionError("no line, but the end");
        }
        for (byte octet : line.getBytes(StandardCharsets.UTF_8)) {
            reader.accept(octet);
        }
        if (values.size() != 1) {
            throw new AssertionError(values.size() + " messages in one line: " + line);
        }
        return (Map<?, ?>) values.getFirst();
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
