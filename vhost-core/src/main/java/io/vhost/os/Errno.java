package io.vhost.os;

/** The error numbers of Linux that this library meets. Their values are those of x86-64 and AArch64. */
public final class Errno {
    /** Operation not permitted. */
    public static final int EPERM = 1;
    /** No such file or directory. */
    public static final int ENOENT = 2;
    /** A signal arrived before the call had done anything. */
    public static final int EINTR = 4;
    /** Input or output failed. */
    public static final int EIO = 5;
    /** Nobody reads the pipe, or there is no such device. */
    public static final int ENXIO = 6;
    /** Not an open descriptor, or not open for this. */
    public static final int EBADF = 9;
    /** The call would have to wait. */
    public static final int EAGAIN = 11;
    /** No memory, or no address space. */
    public static final int ENOMEM = 12;
    /** Permission denied. */
    public static final int EACCES = 13;
    /** In use. */
    public static final int EBUSY = 16;
    /** The file exists. */
    public static final int EEXIST = 17;
    /** A component of the path is not a directory. */
    public static final int ENOTDIR = 20;
    /** The file is a directory. */
    public static final int EISDIR = 21;
    /** Invalid argument. */
    public static final int EINVAL = 22;
    /** All processes together have no file left to open. */
    public static final int ENFILE = 23;
    /** The process has no descriptor left. */
    public static final int EMFILE = 24;
    /** The disk is full. */
    public static final int ENOSPC = 28;
    /** Read-only file system. */
    public static final int EROFS = 30;
    /** Nobody reads the other end. */
    public static final int EPIPE = 32;
    /** The path does not fit. */
    public static final int ENAMETOOLONG = 36;
    /** The descriptor is not in a state for this: its network interface is gone. */
    public static final int EBADFD = 77;
    /** The descriptor is not that of a socket. */
    public static final int ENOTSOCK = 88;
    /** The socket behind the path is of another type. */
    public static final int EPROTOTYPE = 91;
    /** The address is taken. */
    public static final int EADDRINUSE = 98;
    /** The client was gone before it was accepted. */
    public static final int ECONNABORTED = 103;
    /** The peer closed with our data unread. */
    public static final int ECONNRESET = 104;
    /** Nobody listens there. */
    public static final int ECONNREFUSED = 111;

    private Errno() {}

    /** {@return name, number and libc's text, as in {@code "ENOMEM (12) Cannot allocate memory"}} */
    static String describe(int errno) {
        String name = name(errno);
        String text = Libc.strerror(errno);
        return name.isEmpty() ? "error " + errno + " " + text : name + " (" + errno + ") " + text;
    }

    private static String name(int errno) {
        return switch (errno) {
            case EPERM -> "EPERM";
            case ENOENT -> "ENOENT";
            case EINTR -> "EINTR";
            case EBADF -> "EBADF";
            case EAGAIN -> "EAGAIN";
            case ENOMEM -> "ENOMEM";
            case EACCES -> "EACCES";
            case EBUSY -> "EBUSY";
            case EEXIST -> "EEXIST";
            case EBADFD -> "EBADFD";
            case EIO -> "EIO";
            case ENXIO -> "ENXIO";
            case ENOTDIR -> "ENOTDIR";
            case EISDIR -> "EISDIR";
            case EINVAL -> "EINVAL";
            case ENFILE -> "ENFILE";
            case EMFILE -> "EMFILE";
            case ENOSPC -> "ENOSPC";
            case EROFS -> "EROFS";
            case EPIPE -> "EPIPE";
            case ENAMETOOLONG -> "ENAMETOOLONG";
            case ENOTSOCK -> "ENOTSOCK";
            case EPROTOTYPE -> "EPROTOTYPE";
            case EADDRINUSE -> "EADDRINUSE";
            case ECONNABORTED -> "ECONNABORTED";
            case ECONNRESET -> "ECONNRESET";
            case ECONNREFUSED -> "ECONNREFUSED";
            default -> "";
        };
    }
}
