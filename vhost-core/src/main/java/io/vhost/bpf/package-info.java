/**
 * eBPF programs that people wrote for Linux and compiled with clang: what is in an object file, and whether
 * each program takes the context of its type.
 *
 * <pre>{@code
 * BpfObject object = BpfObject.read(Path.of("filter.o"));
 * for (BpfProgram program : object.programs()) {
 *     for (FunctionCheck check : object.check(program, ContextTypes.shipped(), CheckMode.STRICT)) {
 *         System.out.print(check.function() + ": " + check.verdict() + "\n" + check.log());
 *     }
 * }
 * }</pre>
 *
 * <p>The same from a shell: {@code vhost bpf inspect filter.o}, with {@code --json} for programs.
 *
 * <h2>Context types</h2>
 * <p>A program is given one argument, its context. An XDP program is written against {@code struct xdp_md};
 * the kernel hands over a {@code struct xdp_buff} and rewrites the accesses. {@link io.vhost.bpf.ProgramType}
 * is the table of all program types with both sides. {@link io.vhost.bpf.ContextTypes} finds them in a
 * kernel's BTF, by the struct {@code bpf_ctx_convert}: that of the library
 * ({@link io.vhost.bpf.ContextTypes#shipped}, the same on any host), that of the running kernel, or any
 * other. {@link io.vhost.bpf.SectionName} tells a program's type from its section.
 *
 * <h2>Three ways to judge</h2>
 * <ul>
 *   <li>{@link io.vhost.bpf.CheckMode#SEED}: as Linux did when it learnt about context types, in 2019.
 *   <li>{@link io.vhost.bpf.CheckMode#KERNEL}: as Linux 6.18. A program may take what it likes, and is
 *       {@link io.vhost.bpf.FunctionCheck.Verdict#UNRELIABLE} if that is not its context; a global function
 *       that it calls must be right. {@code __arg_ctx} and the other argument tags are understood.
 *   <li>{@link io.vhost.bpf.CheckMode#STRICT}: the program must be right, too, and no function that it calls
 *       may take the context of another program type. The refusal names both types, the argument and the
 *       source line:
 * <pre>
 * arg#0 is `struct __sk_buff *`, XDP programs take `struct xdp_md *`
 * ; int filter(struct __sk_buff *ctx) @ filter.c:17
 * </pre>
 * </ul>
 * <p>Results are values with a log that reads like the kernel verifier's. Only names are compared, as in the
 * kernel.
 *
 * <h2>How an object becomes checkable</h2>
 * <p>{@link io.vhost.bpf.BpfObject} goes through stages, and a {@link io.vhost.bpf.BpfException} names the
 * one that failed: ELF, READ, FIX_UP (section sizes, variable offsets, extern symbols, hidden functions: what
 * a compiler leaves to a loader), VALIDATE, OBJECT. Both byte orders are read.
 *
 * <h2>Limits</h2>
 * <p>Files of at most 64 MiB, 4,096 functions, 255 functions called by one program. CO-RE relocations are
 * counted, not applied. An argument tagged {@code arg:trusted} is looked up by name, and a name that the
 * kernel has twice is not noticed. The types of an extension are checked if the type of the extended program
 * is told ({@link io.vhost.bpf.ContextCheck.Target}). Functions that are only declared are not looked for in
 * other objects or in the kernel. {@link io.vhost.bpf.DebugInfoCheck} is for whoever puts a program together:
 * reading an object does not ask for it.
 *
 * <p>Nothing here knows rings or packets. Thread: all classes are immutable unless they say otherwise.
 */
package io.vhost.bpf;
