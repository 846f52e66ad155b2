/**
 * A program at run time: what it needs to run, whoever executes its instructions.
 *
 * <ul>
 *   <li>{@link io.vhost.bpf.run.Image} is a program made ready: its code, its maps, its helpers.
 *   <li>{@link io.vhost.bpf.run.Executable} runs the image's functions: interpreted or compiled.
 *   <li>{@link io.vhost.bpf.run.Program} has both, and runs.
 *   <li>{@link io.vhost.bpf.run.Cpu} is the state of one thread that runs programs: its number, memory,
 *       budget, and how the last run ended.
 * </ul>
 *
 * <p>A run always ends, and never with an exception of the program's: what a program must not do ends it with
 * an {@link io.vhost.bpf.run.Abort} and the result 0, which is XDP_ABORTED. Not exported.
 */
package io.vhost.bpf.run;
