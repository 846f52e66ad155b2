package io.vhost.app.service;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A socket that a service manager has opened for this process (sd_listen_fds(3)).
 *
 * @param fd its descriptor
 * @param name of the port: what the manager calls it, and the descriptor
 */
public record InheritedPort(int fd, String name) {
    private static final int FIRST = 3;
    private static final int MOST = 1000;

    /**
     * The sockets for this process.
     *
     * @param environment with LISTEN_PID, LISTEN_FDS and perhaps LISTEN_FDNAMES
     * @param pid of this process: the variables may be meant for another
     * @throws IllegalArgumentException if the variables are no numbers; the text names them
     */
    static List<InheritedPort> of(Map<String, String> environment, long pid) {
        String count = environment.get("LISTEN_FDS");
        String owner = environment.get("LISTEN_PID");
        if (count == null || owner == null) {
            return List.of();
        }
        if (!count.matches("[0-9]{1,4}") || Integer.parseInt(count) > MOST || !owner.matches("[0-9]{1,18}")) {
            throw new IllegalArgumentException("LISTEN_FDS=" + count + " LISTEN_PID=" + owner
                    + ": a service manager sets both to numbers, of at most " + MOST + " sockets");
        }
        if (Long.parseLong(owner) != pid) {
            return List.of();
        }
        String[] names = environment.getOrDefault("LISTEN_FDNAMES", "").split(":", -1);
        List<InheritedPort> ports = new ArrayList<>();
        for (int i = 0; i < Integer.parseInt(count); i++) {
            String name = i < names.length && !names[i].isEmpty() ? names[i] : "fd";
            ports.add(new InheritedPort(FIRST + i, name + ":" + (FIRST + i)));
        }
        return ports;
    }
}
