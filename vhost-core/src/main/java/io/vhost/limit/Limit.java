package io.vhost.limit;

import java.util.Locale;

/** What can run out. Each refusal is counted under one of these names. */
public enum Limit {
    /** Connections of one server. */
    CONNECTIONS("connections of one server", "connections, --max-connections"),
    /** Connections of all servers and clients. */
    PROCESS_CONNECTIONS("connections of this process", "processConnections"),
    /** Memory regions of one connection. */
    REGIONS("memory regions of one connection", "regions"),
    /** Memory regions and dirty logs of one server's connections. */
    SERVER_MAPPINGS("mappings of one server", "serverMappings"),
    /** Memory regions and dirty logs of all connections. */
    PROCESS_MAPPINGS("mappings of this process", "processMappings"),
    /** Bytes of one connection's memory table, and of its dirty log. */
    MAPPED_BYTES("mapped bytes of one connection", "mappedBytes"),
    /** Bytes of all memory tables and dirty logs of one server's connections. */
    SERVER_MAPPED_BYTES("mapped bytes of one server", "serverMappedBytes"),
    /** Bytes of all memory tables and dirty logs. */
    PROCESS_MAPPED_BYTES("mapped bytes of this process", "processMappedBytes"),
    /** File descriptors that one connection keeps open here. */
    DESCRIPTORS("descriptors of one connection", "descriptors"),
    /** File descriptors that one server's connections keep open here. */
    SERVER_DESCRIPTORS("descriptors of one server", "serverDescriptors"),
    /** File descriptors that this library keeps open. */
    PROCESS_DESCRIPTORS("descriptors of this process", "processDescriptors"),
    /** Files that the system lets this process, or all processes together, open (EMFILE, ENFILE). */
    OPEN_FILES("open files of the system", ""),
    /** The JVM's heap: what rings need of it is in proportion to their size, which front-ends choose. */
    HEAP("heap for rings of this process", ""),
    /** Threads that the system lets this process start. */
    THREADS("threads of the system", "");

    private final String text;
    private final String setting;

    Limit(String text, String setting) {
        this.text = text;
        this.setting = setting;
    }

    /** What is limited, as in {@code "connections of one server"}. */
    public String text() {
        return text;
    }

    /** The name as monitors show it, as in {@code "process-connections"}. */
    public String label() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** Where it is set: names of {@link ResourceLimits} and the command line; empty for the system's own. */
    public String setting() {
        return setting;
    }
}
