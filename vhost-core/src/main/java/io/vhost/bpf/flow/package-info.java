/**
 * What a program's instructions access: one region for each load and store, found by following registers and
 * spilled registers through the program.
 *
 * <p>It is a rule, not a proof: an instruction that {@link io.vhost.bpf.flow.AccessRegions} gives one region
 * accesses that region or ends the program, interpreted and compiled alike. So it need not be right to be
 * safe, and may assume what a verifier would insist on: that a number is not used as a pointer, and that a
 * pointer stays in its region. Not exported.
 */
package io.vhost.bpf.flow;
