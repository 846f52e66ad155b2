/**
 * BPF maps: tables outside the Java heap that programs and applications share.
 *
 * <p>{@link io.vhost.bpf.map.BpfTable} is what all have in common: results are those of the kernel's
 * {@code map_ops}, 0 or a negative error number. Values are in one native segment, which is all that a
 * program can reach; keys, chains and positions are beside it. No operation allocates. Not exported.
 *
 * <p>Thread: any number of threads at once. As in the kernel, a value that one thread writes while another
 * reads it may be seen half written.
 */
package io.vhost.bpf.map;
