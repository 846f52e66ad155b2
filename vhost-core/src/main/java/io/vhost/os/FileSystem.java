package io.vhost.os;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * The kind of file system that a file is on, by its magic number (statfs(2)).
 *
 * <p>Thread: any. On the architectures that this package is for, {@code struct statfs} begins with the
 * number, 8 bytes wide, and is less than 256 bytes long.
 *
 * @param magic of the file system; {@link #UNKNOWN} where the kernel does not say
 */
@SuppressWarnings("restricted")
public record FileSystem(long magic) {
    /** The magic number of a file whose file system is not known. */
    public static final long UNKNOWN = 0;

    private static final long STRUCT_SIZE = 256;
    private static final MethodHandle FSTATFS = Linker.nativeLinker().downcallHandle(
            Linker.nativeLinker().defaultLookup().findOrThrow("fstatfs"),
            FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS));

    /** Where the pages of a file come from. */
    public enum Kind {
        /** The file is memory: a page is there at once, or never. */
        MEMORY,
        /** A disk of this machine: a page that is not in memory is read first. */
        DISK,
        /** A network, another process, or unknown: a page may take as long as somebody likes, or for ever. */
        ELSEWHERE
    }

    /** {@return the file system of an open file} */
    public static FileSystem of(Descriptor file) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment status = arena.allocate(STRUCT_SIZE, Long.BYTES);
            int result = (int) FSTATFS.invokeExact(file.fd(), status);
            return new FileSystem(result < 0 ? UNKNOWN : status.get(JAVA_LONG, 0));
        } catch (Throwable e) {
            throw new IllegalStateException("fstatfs(" + file + ") could not be called", e);
        }
    }

    /**
     * {@return where its pages come from} What is not in this list is {@code ELSEWHERE}; overlayfs among it,
     * since that may show files of any other file system.
     */
    public Kind kind() {
        return switch (name()) {
            case "tmpfs", "hugetlbfs", "ramfs" -> Kind.MEMORY;
            case "ext4", "xfs", "btrfs", "f2fs", "bcachefs", "zfs" -> Kind.DISK;
            default -> Kind.ELSEWHERE;
        };
    }

    // linux/magic.h; ext2 and ext3 have the number of ext4, memfds that of tmpfs or hugetlbfs.
    private String name() {
        return switch ((int) magic) {
            case 0x01021994 -> "tmpfs";
            case 0x958458F6 -> "hugetlbfs";
            case 0x858458F6 -> "ramfs";
            case 0xEF53 -> "ext4";
            case 0x58465342 -> "xfs";
            case 0x9123683E -> "btrfs";
            case 0xF2F52010 -> "f2fs";
            case 0xCA451A4E -> "bcachefs";
            case 0x2FC12FC1 -> "zfs";
            case 0x65735546 -> "fuse";
            case 0x6969 -> "nfs";
            case 0xFF534D42, 0xFE534D42 -> "cifs";
            case 0x00C36400 -> "ceph";
            case 0x01021997 -> "9p";
            case 0x794C7630 -> "overlayfs";
            default -> "unknown";
        };
    }

    /** {@return name and number, as in {@code "fuse (0x65735546)"}} */
    @Override
    public String toString() {
        return "%s (0x%x)".formatted(name(), magic & 0xFFFF_FFFFL);
    }
}
