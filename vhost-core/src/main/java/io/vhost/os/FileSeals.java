package io.vhost.os;

/**
 * Seals of memory files (fcntl(2), "File Sealing"). A file that is sealed against shrinking keeps its length
 * at least, for everyone who has it and for ever, so no access to a mapping of it can fault.
 *
 * <p>Thread: any.
 */
public final class FileSeals {
    private static final int F_ADD_SEALS = 1033;
    private static final int F_GET_SEALS = 1034;
    private static final int F_SEAL_SHRINK = 2;

    private FileSeals() {}

    /**
     * Seals a file against shrinking, and against nothing else: who owns it may still write, extend it and
     * give its pages back. Only files of {@code memfd_create} that were made with {@code MFD_ALLOW_SEALING}
     * can be sealed.
     *
     * @param file any file; may be sealed already
     * @return whether it is sealed now. Its length may have changed just before
     */
    public static boolean sealAgainstShrinking(Descriptor file) {
        int fd = file.fd();
        // Whatever the answer, the seals tell: another may have set this one, and forbidden further ones.
        int _ = Libc.fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK);
        int seals = Libc.fcntl(fd, F_GET_SEALS, 0);
        return seals > 0 && (seals & F_SEAL_SHRINK) != 0;
    }
}
