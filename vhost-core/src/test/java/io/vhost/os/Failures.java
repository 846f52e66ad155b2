package io.vhost.os;

/** What the kernel answers when something is used up, without using it up. */
public final class Failures {
    private Failures() {}

    /** No descriptor is left for the process. */
    public static OsException outOfDescriptors(String call) {
        return new OsException(call, Errno.EMFILE);
    }
}
