package io.vhost.app.cli;

import io.vhost.limit.ResourceLimits;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** Who may connect to the sockets, and how many: options of several commands. */
public final class SocketOptions {
    @Option(
            names = "--socket-mode",
            paramLabel = "MODE",
            converter = Mode.class,
            description = "Permissions of the sockets' files, such as 660 to let the group connect; 600 by"
                    + " default.")
    private Set<PosixFilePermission> permissions = PosixFilePermissions.fromString("rw-------");

    @Option(
            names = "--max-connections",
            paramLabel = "N",
            converter = Connections.class,
            description = "How many front-ends may be connected to one socket at once; by default 256, or"
                    + " less where few files may be open (ulimit -n).")
    private Integer maxConnections;

    /** Permissions of the sockets' files. */
    public Set<PosixFilePermission> permissions() {
        return permissions;
    }

    /** How much front-ends may use up. */
    public ResourceLimits limits() {
        ResourceLimits.Builder limits = ResourceLimits.builder();
        if (maxConnections != null) {
            int all = Math.max(maxConnections, limits.build().processConnections());
            limits.connections(maxConnections).processConnections(all);
        }
        return limits.build();
    }

    /** A number from 1. */
    static final class Connections implements ITypeConverter<Integer> {
        Connections() {}

        @Override
        public Integer convert(String text) {
            if (!text.matches("[1-9][0-9]{0,8}")) {
                throw new TypeConversionException("\"" + text + "\" is not a number of connections, from 1");
            }
            return Integer.valueOf(text);
        }
    }

    /** Three octal digits, as chmod takes them. */
    static final class Mode implements ITypeConverter<Set<PosixFilePermission>> {
        private static final String LETTERS = "rwxrwxrwx";

        Mode() {}

        @Override
        public Set<PosixFilePermission> convert(String text) {
            if (!text.matches("0?[0-7]{3}")) {
                throw new TypeConversionException("\"" + text + "\" is not three octal digits, such as 660");
            }
            int bits = Integer.parseInt(text, 8);
            StringBuilder mode = new StringBuilder();
            for (int i = 0; i < LETTERS.length(); i++) {
                boolean set = (bits >> (LETTERS.length() - 1 - i) & 1) != 0;
                mode.append(set ? LETTERS.charAt(i) : '-');
            }
            return PosixFilePermissions.fromString(mode.toString());
        }
    }
}
