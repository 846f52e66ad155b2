package io.vhost.monitor;

import io.vhost.monitor.command.Command;
import io.vhost.monitor.command.Type;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Path;

/**
 * A program with a monitor, to be run with little memory: its arguments are the socket and the limit of a
 * message in bytes. It ends when its input does.
 */
public final class MonitorProcess {
    private MonitorProcess() {}

    public static void main(String[] arguments) throws IOException {
        MonitorConfig config = MonitorConfig.builder()
                .messageLimit(Integer.parseInt(arguments[1]), 1024)
                .command(Command.named("x-greedy").returns(Type.array(Type.INT)).runs(_ -> greedy()))
                .command(Command.named("x-result").returns(Type.STRING)
                        .runs(_ -> "x".repeat((int) (Runtime.getRuntime().maxMemory() / 3))))
                .build();
        try (MonitorServer _ = MonitorServer.listen(Path.of(arguments[0]), config)) {
            System.out.println("listening");
            System.in.transferTo(OutputStream.nullOutputStream());
        }
    }

    /** Takes memory until there is none. */
    private static Object greedy() {
        Object taken = null;
        while (true) {
            taken = new Object[] {taken, new long[1 << 16]};
        }
    }
}
