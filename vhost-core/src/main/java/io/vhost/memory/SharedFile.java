package io.vhost.memory;

import io.vhost.os.Descriptor;
import io.vhost.os.FileSeals;
import io.vhost.os.FileSystem;
import io.vhost.os.Mapping;
import io.vhost.state.MemoryBacking;

/**
 * A file that a front-end shares, and the part of it that is to be mapped.
 *
 * @param what it is for, with its values, as in {@code "memory region [...]"}
 * @param file the file
 * @param offset of the part in the file, in bytes
 * @param length of the part, in bytes
 */
record SharedFile(String what, Descriptor file, long offset, long length) {
    /**
     * Checks that the file holds the part and that its pages will come, and seals it against truncation if it
     * can be sealed.
     *
     * @param rules which files are wanted
     * @throws MemoryTableException if it is not such a file
     */
    MemoryBacking check(MemoryRules rules) throws MemoryTableException {
        FileSystem fileSystem = FileSystem.of(file);
        if (fileSystem.kind() == FileSystem.Kind.ELSEWHERE && !rules.anyFile()) {
            throw new MemoryTableException(what + " lies on file system " + fileSystem + ", whose pages may"
                    + " never come and would stop this process: share memory of memfd, hugetlbfs or /dev/shm"
                    + " (memory-backend-memfd,share=on), or allow it (allowAnyFile, --allow-any-file)");
        }
        checkLength();
        boolean sealed = FileSeals.sealAgainstShrinking(file);
        // It may have been truncated between the first look and the seal; from now on it cannot be.
        checkLength();
        if (!sealed && rules.sealed()) {
            throw new MemoryTableException(what + " lies in a file that cannot be sealed against truncation ("
                    + fileSystem + "), and sealed memory is required: share memory of a memfd that allows"
                    + " sealing (memory-backend-memfd,share=on)");
        }
        return new MemoryBacking(Mapping.blockSize(file), sealed, fileSystem.toString(),
                fileSystem.kind() == FileSystem.Kind.MEMORY);
    }

    /** What is not a regular file has no size that could tell. */
    private void checkLength() throws MemoryTableException {
        if (file.isRegularFile() && file.size() - offset < length) {
            throw new MemoryTableException(what + " exceeds its file of " + file.size() + " bytes");
        }
    }
}
