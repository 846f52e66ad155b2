package io.vhost.net;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;

/**
 * Bytes that the calling thread has allocated on the heap, as the VM counts them. Reflection, because the
 * module under test does not read the management module and should not just for a test.
 */
final class AllocationCounter {
    private final Object bean;
    private final Method allocated;
    private final long ownCost;

    AllocationCounter() {
        try {
            bean = Class.forName("java.lang.management.ManagementFactory")
                    .getMethod("getThreadMXBean")
                    .invoke(null);
            allocated = Class.forName("com.sun.management.ThreadMXBean")
                    .getMethod("getCurrentThreadAllocatedBytes");
        } catch (ReflectiveOperationException e) {
            throw new LinkageError(e.getMessage(), e);
        }
        for (int i = 0; i < 1000; i++) {
            allocatedByThisThread();
        }
        long before = allocatedByThisThread();
        ownCost = allocatedByThisThread() - before;
    }

    long allocatedByThisThread() {
        try {
            return (long) allocated.invoke(bean);
        } catch (IllegalAccessException | InvocationTargetException e) {
            throw new LinkageError(e.getMessage(), e);
        }
    }

    /** Bytes that reading the counter allocates itself. */
    long ownCost() {
        return ownCost;
    }
}
