/**
 * A small reader of ELF object files (System V gABI, chapters 4 and 5), as far as BPF objects need it:
 * sections, symbols and relocations of 64-bit relocatable files of either byte order.
 *
 * <p>Why no library: the one on Maven Central that reads such files, jelf 0.9.0, is no module, and of 2,000
 * clang objects with one bent field of a section header it answered 200 with {@code OutOfMemoryError},
 * {@code NegativeArraySizeException} and four other unchecked exceptions. This reader checks every number
 * before it is used, refuses a file with one typed error that names the place, and does work in proportion to
 * the file's size only, which is why sections must not share bytes. Not exported:
 * {@link io.vhost.bpf.BpfObject} is the way in.
 */
package io.vhost.bpf.elf;
