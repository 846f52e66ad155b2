package io.vhost.memory;

/**
 * Which files a front-end may share as its memory.
 *
 * @param sealed only files that cannot be truncated: sealed against shrinking
 * @param anyFile also files whose pages come over a network or from another process, which may never come
 */
public record MemoryRules(boolean sealed, boolean anyFile) {
    /** What is usual: files of memory and local disks, sealed or not. */
    public static final MemoryRules USUAL = new MemoryRules(false, false);
}
