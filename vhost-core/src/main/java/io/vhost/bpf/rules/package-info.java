/**
 * The rules of a verifier, instruction by instruction: what each does to what is known, and when it is
 * refused.
 * Errors have the kernel's words (Linux 6.18, kernel/bpf/verifier.c) and a remedy.
 *
 * <p>{@link io.vhost.bpf.rules.Site} is the instruction that is followed; {@link io.vhost.bpf.rules.Subject}
 * the program with what it refers to. Which instruction is followed when is not known here. Not exported.
 */
package io.vhost.bpf.rules;
