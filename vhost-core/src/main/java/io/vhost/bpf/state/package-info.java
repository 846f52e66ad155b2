/**
 * What a verifier knows at one place of a program, on one way there: registers, stack, what must be released.
 *
 * <ul>
 *   <li>{@link io.vhost.bpf.state.Reg} is a register: a number, or an address and what is known of it.
 *   <li>{@link io.vhost.bpf.state.StackMemory} and {@link io.vhost.bpf.state.Frame} are a function's frame.
 *   <li>{@link io.vhost.bpf.state.State} is all of it.
 *   <li>{@link io.vhost.bpf.state.Covering} tells whether a state that was gone through covers another.
 * </ul>
 *
 * <p>Not exported. Thread: one.
 */
package io.vhost.bpf.state;
