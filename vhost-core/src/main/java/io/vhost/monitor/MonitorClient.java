package io.vhost.monitor;

import io.vhost.monitor.command.CommandException;
import io.vhost.monitor.command.ErrorClass;
import io.vhost.monitor.json.Json;
import io.vhost.monitor.json.JsonLibrary;
import io.vhost.monitor.json.JsonReader;
import io.vhost.os.Descriptor;
import io.vhost.os.LostDescriptorsException;
import io.vhost.os.OsException;
import io.vhost.os.UnixSocket;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;

/**
 * The other end: asks a monitor, ours or QEMU's, and leaves its events aside. Thread: one.
 */
public final class MonitorClient implements AutoCloseable {
    private static final int CHUNK = 16 * 1024;
    /** As QEMU limits what it takes. */
    private static final int MESSAGE = 64 << 20;
    private static final int WORDS = 2 << 20;

    private final UnixSocket socket;
    private final Queue<Object> messages = new ArrayDeque<>();
    private final JsonReader reader = new JsonReader(
            new JsonReader.Limits(MESSAGE, WORDS, 1024), (value, fault) -> {
                if (fault == null) {
                    messages.add(value);
                }
            });

    private MonitorClient(UnixSocket socket) {
        this.socket = socket;
    }

    /**
     * Connects and negotiates.
     *
     * @param path where a monitor of programs listens
     * @throws IOException if nobody listens there, or does not speak QMP
     * @throws IllegalStateException if the program lacks the library that writes JSON; the text names it
     */
    public static MonitorClient connect(Path path) throws IOException {
        JsonLibrary.require();
        try {
            MonitorClient client = new MonitorClient(UnixSocket.connect(path));
            boolean complete = false;
            try {
                if (!(client.next() instanceof Map<?, ?> greeting) || !greeting.containsKey("QMP")) {
                    throw new IOException(path + " is not the socket of a QMP monitor");
                }
                client.call("qmp_capabilities", Map.of());
                complete = true;
                return client;
            } catch (CommandException e) {
                throw new IOException(e.getMessage(), e);
            } finally {
                if (!complete) {
                    client.close();
                }
            }
        } catch (OsException e) {
            throw new IOException(e.getMessage(), e);
        }
    }

    /**
     * Runs a command and waits for its answer.
     *
     * @param command its name
     * @param arguments of the command, of the types that JSON has
     * @return what it returned
     * @throws CommandException if it failed
     * @throws IOException if the monitor has gone
     */
    public Object call(String command, Map<String, ?> arguments) throws CommandException, IOException {
        byte[] bytes = Json.write(Json.object("execute", command, "arguments", arguments))
                .getBytes(StandardCharsets.US_ASCII);
        try (Arena arena = Arena.ofConfined()) {
            socket.send(arena.allocateFrom(ValueLayout.JAVA_BYTE, bytes), 0, bytes.length);
        } catch (OsException e) {
            throw new IOException(e.getMessage(), e);
        }
        while (true) {
            Map<?, ?> message = (Map<?, ?>) next();
            if (message.get("error") instanceof Map<?, ?> error) {
                throw new CommandException(ErrorClass.named(String.valueOf(error.get("class"))),
                        String.valueOf(error.get("desc")));
            }
            if (message.containsKey("return")) {
                return message.get("return");
            }
        }
    }

    private Object next() throws IOException {
        List<Descriptor> unwanted = new ArrayList<>();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment chunk = arena.allocate(CHUNK);
            while (messages.isEmpty()) {
                int count = socket.receive(chunk, 0, CHUNK, unwanted);
                if (count < 0) {
                    throw new IOException("the monitor has gone");
                }
                for (int i = 0; i < count; i++) {
                    reader.accept(chunk.get(ValueLayout.JAVA_BYTE, i));
                }
            }
        } catch (OsException | LostDescriptorsException e) {
            throw new IOException(e.getMessage(), e);
        } finally {
            unwanted.forEach(Descriptor::close);
        }
        return messages.remove();
    }

    /** Closes the connection. */
    @Override
    public void close() {
        socket.close();
    }
}
