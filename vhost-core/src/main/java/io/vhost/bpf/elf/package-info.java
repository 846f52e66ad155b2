/**
 * A small reader of ELF object files (System V gABI, chapters 4 and 5), as far as BPF objects need it:
 * sections, symbols and relocations of 64-bit relocatable files of either byte order.
 *
 * <p>Existing Java libraries either read more loosely, trust the file's numbers, or are no modules. This
 * reader checks every number before it is used, refuses a file with one typed error that names the place, and
 * does work in proportion to the file's size only. Not exported: {@link io.vhost.bpf.BpfObject} is the way
 * in.
 */
package io.vhost.bpf.elf;
