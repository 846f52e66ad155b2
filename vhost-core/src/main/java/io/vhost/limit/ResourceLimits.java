package io.vhost.limit;

import io.vhost.os.SystemLimits;

/**
 * The most that front-ends get. Those of a connection and of a server hold for each one, and a client counts
 * as a server with one connection; those of the process are compared with what all servers and clients have
 * taken together, so servers of one process should have the same. By default no server gets more than half of
 * what the process has: who connects to one socket cannot take it all from those at another.
 *
 * <p>The defaults come from what the system grants this process: open files ({@code ulimit -n}), mappings
 * ({@code vm.max_map_count}) and physical memory. They leave room for the application and the JVM.
 *
 * @param connections of one server
 * @param processConnections of all servers and clients
 * @param regions memory regions of one connection, at most {@value #MOST_REGIONS}
 * @param serverMappings memory regions and dirty logs of one server's connections
 * @param processMappings memory regions and dirty logs of all connections
 * @param mappedBytes of one connection's memory table, and of its dirty log
 * @param serverMappedBytes of all memory tables and dirty logs of one server's connections
 * @param processMappedBytes of all memory tables and dirty logs
 * @param descriptors that one connection keeps open here: its socket, three eventfds a queue, one for each
 *     region while regions are added one by one, and those of a message that is under way
 * @param serverDescriptors that one server's connections keep open together
 * @param processDescriptors that this library keeps open
 */
public record ResourceLimits(
        int connections,
        int processConnections,
        int regions,
        int serverMappings,
        int processMappings,
        long mappedBytes,
        long serverMappedBytes,
        long processMappedBytes,
        int descriptors,
        int serverDescriptors,
        int processDescriptors) {
    /** Most regions that a connection can have. */
    public static final int MOST_REGIONS = 509;

    /** Checks the ranges. */
    public ResourceLimits {
        requireRange("connections", connections, Integer.MAX_VALUE);
        requireRange("processConnections", processConnections, Integer.MAX_VALUE);
        requireRange("regions", regions, MOST_REGIONS);
        requireRange("serverMappings", serverMappings, Integer.MAX_VALUE);
        requireRange("processMappings", processMappings, Integer.MAX_VALUE);
        requireRange("mappedBytes", mappedBytes, Long.MAX_VALUE);
        requireRange("serverMappedBytes", serverMappedBytes, Long.MAX_VALUE);
        requireRange("processMappedBytes", processMappedBytes, Long.MAX_VALUE);
        requireRange("descriptors", descriptors, Integer.MAX_VALUE);
        requireRange("serverDescriptors", serverDescriptors, Integer.MAX_VALUE);
        requireRange("processDescriptors", processDescriptors, Integer.MAX_VALUE);
    }

    private static void requireRange(String name, long value, long most) {
        if (value < 1 || value > most) {
            throw new IllegalArgumentException(name + "=" + value + " is not in 1.." + most);
        }
    }

    /** What the system's limits suggest. */
    public static ResourceLimits defaults() {
        return builder().build();
    }

    /** A builder with the defaults. */
    public static Builder builder() {
        return new Builder(SystemLimits.openFiles(), SystemLimits.mappings(), SystemLimits.memory())
                .within(Runtime.getRuntime().maxMemory());
    }

    /**
     * The value of a limit.
     *
     * @throws IllegalArgumentException for one of the system's own, which are not among these
     */
    public long of(Limit limit) {
        return switch (limit) {
            case CONNECTIONS -> connections;
            case PROCESS_CONNECTIONS -> processConnections;
            case REGIONS -> regions;
            case SERVER_MAPPINGS -> serverMappings;
            case PROCESS_MAPPINGS -> processMappings;
            case MAPPED_BYTES -> mappedBytes;
            case SERVER_MAPPED_BYTES -> serverMappedBytes;
            case PROCESS_MAPPED_BYTES -> processMappedBytes;
            case DESCRIPTORS -> descriptors;
            case SERVER_DESCRIPTORS -> serverDescriptors;
            case PROCESS_DESCRIPTORS -> processDescriptors;
            case OPEN_FILES, HEAP, THREADS ->
                    throw new IllegalArgumentException(limit + " is the system's; ask for another");
        };
    }

    /** Collects limits. */
    public static final class Builder {
        private static final long MIB = 1L << 20;
        private static final long TIB = 1L << 40;
        /** What a process can map is 128 TiB on x86-64. */
        private static final long HALF_OF_ADDRESS_SPACE = 64 * TIB;
        private static final int MOST_CONNECTIONS = 256;
        private static final int LEAST_REGIONS = 8;   // what one SET_MEM_TABLE carries
        private static final int FEW_DESCRIPTORS = 256;
        private static final int MANY_DESCRIPTORS = 2048;

        private int connections;
        private int processConnections;
        private int regions;
        private int serverMappings;
        private int processMappings;
        private long mappedBytes;
        private long serverMappedBytes;
        private long processMappedBytes;
        private int descriptors;
        private int serverDescriptors;
        private int processDescriptors;

        /** The defaults for a system that grants this. */
        Builder(long files, long mappings, long memory) {
            // A region takes two mappings where the page sizes of files change, a thread takes up to three.
            processMappings = whole(mappings / 4);
            processConnections = whole(Math.min(files / 8, mappings / 16));
            connections = Math.min(MOST_CONNECTIONS, half(processConnections));
            serverMappings = half(processMappings);
            regions = Math.clamp(processMappings / 32, LEAST_REGIONS, MOST_REGIONS);
            processDescriptors = whole(files / 4 * 3);
            descriptors = Math.min(processDescriptors,
                    Math.clamp(processDescriptors / 16, FEW_DESCRIPTORS, MANY_DESCRIPTORS));
            serverDescriptors = half(processDescriptors);
            mappedBytes = Math.max(2 * memory, TIB);
            processMappedBytes = Math.max(HALF_OF_ADDRESS_SPACE, mappedBytes);
            serverMappedBytes = processMappedBytes / 2;
        }

        /** A connection with rings of the usual size takes a quarter of a MiB of the heap. */
        Builder within(long heap) {
            processConnections = Math.min(processConnections, whole(heap / MIB));
            connections = Math.min(connections, half(processConnections));
            return this;
        }

        private static int half(int value) {
            return Math.max(1, value / 2);
        }

        private static int whole(long value) {
            return Math.clamp(value, 1, Integer.MAX_VALUE);
        }

        /** Connections of one server; default 256, or half of {@link #processConnections} if that is less. */
        public Builder connections(int most) {
            connections = most;
            return this;
        }

        /**
         * Connections of all servers and clients; default the least of files / 8, mappings / 16 and the MiB
         * of the JVM's heap.
         */
        public Builder processConnections(int most) {
            processConnections = most;
            return this;
        }

        /** Memory regions of one connection; default 1/128 of the mappings, from 8 to 509. */
        public Builder regions(int most) {
            regions = most;
            return this;
        }

        /** Memory regions and dirty logs of one server; default half of the process's. */
        public Builder serverMappings(int most) {
            serverMappings = most;
            return this;
        }

        /** Memory regions and dirty logs of all connections; default a quarter of the mappings. */
        public Builder processMappings(int most) {
            processMappings = most;
            return this;
        }

        /** Bytes of one memory table, and of one dirty log; default twice the memory, at least 1 TiB. */
        public Builder mappedBytes(long most) {
            mappedBytes = most;
            return this;
        }

        /** Bytes of all memory tables and dirty logs of one server; default half of the process's. */
        public Builder serverMappedBytes(long most) {
            serverMappedBytes = most;
            return this;
        }

        /** Bytes of all memory tables and dirty logs; default 64 TiB, or {@link #mappedBytes} if more. */
        public Builder processMappedBytes(long most) {
            processMappedBytes = most;
            return this;
        }

        /** Descriptors of one connection; default a sixteenth of the process's, from 256 to 2048. */
        public Builder descriptors(int most) {
            descriptors = most;
            return this;
        }

        /** Descriptors of one server's connections; default half of the process's. */
        public Builder serverDescriptors(int most) {
            serverDescriptors = most;
            return this;
        }

        /** Descriptors of all connections; default three quarters of the files. */
        public Builder processDescriptors(int most) {
            processDescriptors = most;
            return this;
        }

        /** The limits; {@link IllegalArgumentException} names one that is out of range. */
        public ResourceLimits build() {
            return new ResourceLimits(connections, processConnections, regions, serverMappings,
                    processMappings, mappedBytes, serverMappedBytes, processMappedBytes, descriptors,
                    serverDescriptors, processDescriptors);
        }
    }
}
