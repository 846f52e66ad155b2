package io.vhost.device;

import io.vhost.os.OsException;
import io.vhost.os.SigbusGuard;

/**
 * Keeps the fault of a truncated file from the JVM altogether: guest memory that a front-end took away is
 * replaced by zeros of this process before the access goes on, and the device fails at the end of the burst.
 *
 * <p>Without it such an access is an {@link InternalError}, which the library expects; it uses only forms of
 * access that survive in the interpreter and in each compiler. The guard is for those who want no fault to be
 * left to the JVM: it replaces the process's handler for SIGBUS by one that hands on what is not about guest
 * memory, which tools that look at signal handlers ({@code -Xcheck:jni}) report. Off unless enabled.
 */
public final class TruncationGuard {
    private TruncationGuard() {}

    /**
     * Guards the memory of front-ends that share theirs from now on; for the whole process and for good. A
     * second time has no effect. Any thread.
     *
     * @throws UnsupportedOperationException on another processor than x86-64, or if the system does not allow
     *     a handler of one's own
     */
    public static void enable() {
        try {
            SigbusGuard.enable();
        } catch (OsException e) {
            throw new UnsupportedOperationException(e.getMessage(), e);
        }
    }

    /** {@return whether it is enabled} Any thread. */
    public static boolean isEnabled() {
        return SigbusGuard.isEnabled();
    }
}
