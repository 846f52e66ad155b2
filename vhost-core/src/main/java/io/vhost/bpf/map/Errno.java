package io.vhost.bpf.map;

/** Error numbers of Linux that operations on maps answer, negative. */
final class Errno {
    static final int ENOENT = -2;
    static final int EPERM = -1;
    static final int E2BIG = -7;
    static final int ENOMEM = -12;
    static final int EBUSY = -16;
    static final int EEXIST = -17;
    static final int EINVAL = -22;
    static final int ENOSPC = -28;
    static final int EOPNOTSUPP = -95;
    /** The kernel's own, which no C library knows. */
    static final int ENOTSUPP = -524;

    /** Update flags. */
    static final long ANY = 0;
    static final long NOEXIST = 1;
    static final long EXIST = 2;
    static final long LOCK = 4;

    private Errno() {
    }
}
