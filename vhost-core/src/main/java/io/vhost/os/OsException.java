package io.vhost.os;

/**
 * A call to the operating system failed.
 *
 * <p>The message names the call with its operands, the error, and where one is known the remedy:
 * {@code mmap(length=4096, fd=7): ENOMEM (12) Cannot allocate memory}.
 */
public final class OsException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final String call;
    private final int errno;

    /**
     * @param call the call with its operands
     * @param errno the positive error number
     */
    OsException(String call, int errno) {
        super(call + ": " + Errno.describe(errno));
        this.call = call;
        this.errno = errno;
    }

    /**
     * @param call the call with its operands
     * @param errno the positive error number
     * @param explanation the cause in the caller's terms, and the remedy
     */
    OsException(String call, int errno, String explanation) {
        super(call + ": " + Errno.describe(errno) + ": " + explanation);
        this.call = call;
        this.errno = errno;
    }

    /** {@return the call with its operands, as in {@code "mmap(length=4096, fd=7)"}} */
    public String call() {
        return call;
    }

    /** {@return whether there was no descriptor left, in this process or in the whole system} */
    public boolean isOutOfDescriptors() {
        return errno == Errno.EMFILE || errno == Errno.ENFILE;
    }

    /** {@return the positive error number, one of {@link Errno}'s or any other of the kernel's} */
    public int errno() {
        return errno;
    }
}
