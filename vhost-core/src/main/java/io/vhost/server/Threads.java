package io.vhost.server;

import java.nio.file.Path;

/** Names threads. */
final class Threads {
    /** What the kernel keeps of a thread's name: who looks with {@code top -H} tells sockets apart by it. */
    private static final int KERNEL_NAME = 15;

    private Threads() {}

    /**
     * A name that tells sockets apart in the characters that the kernel keeps: the end of the file's name,
     * and what the thread is for; then the path.
     */
    static String name(Path socket, String what) {
        String file = String.valueOf(socket.getFileName());
        int room = Math.max(0, KERNEL_NAME - what.length());
        return file.substring(Math.max(0, file.length() - room)) + what + " " + socket;
    }
}
