/**
 * What is known of a number that a program computes: its bits and its ranges. A verifier follows registers
 * with it. Every operation is sound: the result has every number that the operation can give for numbers of
 * the operands. Not exported.
 *
 * <ul>
 *   <li>{@link io.vhost.bpf.range.Tnum} knows bits: each is 0, 1 or unknown.
 *   <li>{@link io.vhost.bpf.range.Scalar} has a tnum and ranges: signed and unsigned, of 64 and of the lower
 *       32 bits.
 *   <li>{@link io.vhost.bpf.range.ScalarMath} computes with them as RFC 9669 says.
 *   <li>{@link io.vhost.bpf.range.Comparison} tells what is known after a jump was taken or not.
 * </ul>
 */
package io.vhost.bpf.range;
