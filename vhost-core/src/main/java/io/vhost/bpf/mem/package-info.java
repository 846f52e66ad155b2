/**
 * What an address is to a program, and the memory behind it.
 *
 * <h2>An address is a region and an offset</h2>
 * <p>No register ever holds an address of the process. Bits 63 to 40 of an address number a region, bits 39
 * to 0 are the offset in it; where the number is 0, bits 39 to 28 number a local region: context, packet and
 * stack. So pointers to these fit in the 32 bits that {@code xdp_md.data} and {@code __sk_buff.data} have,
 * and a context is plain memory: no load of it has to be rewritten. Pointer arithmetic and comparisons inside
 * a region are those of numbers. Region 0.0 does not exist, which makes NULL and small numbers fault.
 * <pre>
 *   0x0000_0000            nothing                0x1000_0000  context
 *   0x2000_0000            packet, with its room  0x3000_0000  stack, 8 frames of 512 bytes
 *   (1 + i) &lt;&lt; 40     values of the program's map i
 *   (0x200000 + k) &lt;&lt; 40 values of the k-th map that a map of maps handed out in this run
 *   (0x400000 + i) &lt;&lt; 40 map i itself: what helpers take, no memory
 *   0x7fffff &lt;&lt; 40    functions, for helpers that call back
 * </pre>
 *
 * <h2>The second wall</h2>
 * <p>Each region is a {@link java.lang.foreign.MemorySegment} of exactly its bytes, and the JVM checks each
 * access against it, in the interpreter and in compiled code alike. What a program can reach is decided by
 * the table of its own regions, not by a verifier: a number that was made up reaches at most another of the
 * program's own regions, and anything else ends the program with a result, not with an exception of the
 * application's. A map's bookkeeping (keys, chains, positions) is not in its region.
 *
 * <p>All segments are native, so that compiled code sees one kind of segment at each access. Not exported.
 * Thread: an {@link io.vhost.bpf.mem.AddressSpace} belongs to one.
 */
package io.vhost.bpf.mem;
