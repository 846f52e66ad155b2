/**
 * CO-RE: what a program asks about types that it was not compiled against, answered from other BTF (Linux:
 * tools/lib/bpf/relo_core.c; Documentation/bpf/llvm_reloc.rst, "CO-RE Relocations").
 *
 * <p>{@link io.vhost.bpf.btf.core.CoreTarget} is the way in. Not exported. Thread: immutable, any thread.
 */
package io.vhost.bpf.btf.core;
