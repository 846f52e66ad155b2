package io.vhost.state;

/**
 * The file behind a memory region.
 *
 * @param pageSize bytes, the unit in which it is mapped
 * @param sealed whether it is sealed against shrinking; else its front-end can truncate it, and lose its
 *     connection by that, at any time
 * @param fileSystem that it is on, name and number
 * @param inMemory whether the file is memory itself; else a page may have to be read from a disk first, or
 *     from farther away, and every thread that touches it waits
 */
public record MemoryBacking(long pageSize, boolean sealed, String fileSystem, boolean inMemory) {}
