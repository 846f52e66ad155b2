/**
 * Packets of ports, recorded into files of format pcapng, which Wireshark and its relatives read, while they
 * pass: {@link io.vhost.capture.Capture} hangs on a {@link io.vhost.device.ProgramChain} as programs do.
 *
 * <p>Each queue is an interface of the file, with its port, direction and number in a comment; each packet
 * has its direction and queue, and in a comment what its virtio-net header leaves to others: a checksum that
 * is not there yet, segmentation. Time stamps have nanoseconds, one for the packets of a burst. The last
 * blocks of a file tell how many packets there were, were wanted, were dropped and were written.
 *
 * <p>Off, it costs nothing. On, the threads that move packets copy each into a ring outside the heap; they
 * never wait and allocate nothing.
 */
package io.vhost.capture;
