/**
 * The BPF instruction set (RFC 9669): fields of an instruction, what is well formed, how it reads.
 *
 * <p>An instruction is a {@code long}, its eight bytes read in little-endian order, whatever the object's
 * byte order was: a program of a million instructions is one array. {@link io.vhost.bpf.insn.Code} is a
 * program with all functions that it calls; whoever runs, compiles or verifies one may rely on what it has
 * checked.
 *
 * <p>Not exported. Thread: all classes are immutable.
 */
package io.vhost.bpf.insn;
