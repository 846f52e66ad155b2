package io.vhost.app.cli;

import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** Who may connect to the sockets: an option of several commands. */
public final class SocketOptions {
    @Option(
            names = "--socket-mode",
            paramLabel = "MODE",
            converter = Mode.class,
            description = "Permissions of the sockets' files, such as 660 to let the group connect; 600 by"
                    + " default.")
    private Set<PosixFilePermission> permissions = PosixFilePermissions.fromString("rw-------");

    /** Permissions of the sockets' files. */
    public Set<PosixFilePermission> permissions() {
        return permissions;
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
