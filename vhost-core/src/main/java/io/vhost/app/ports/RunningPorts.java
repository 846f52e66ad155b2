package io.vhost.app.ports;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** The ports of a command that runs. Any thread; one change at a time. */
public interface RunningPorts {
    /** The ports of this moment, in the order of their numbers. */
    List<? extends PortState> ports();

    /**
     * Adds a port.
     *
     * @param path of its socket, which no other has
     * @param connects whether to connect to it; false: to listen there
     * @return the port
     * @throws IOException if there is a port of this name, or the socket cannot be had
     */
    PortState add(Path path, boolean connects) throws IOException;

    /**
     * Takes a port away: its guests are disconnected, and its socket's file is removed.
     *
     * @param name of its socket
     * @throws IOException if there is no socket of this name
     */
    void remove(String name) throws IOException;
}
