/**
 * The context that a kernel gives to each type of eBPF program, and whether a program takes it.
 *
 * <pre>{@code
 * ContextCheck check = new ContextCheck(types, ContextTypes.shipped(), CheckMode.STRICT);
 * FunctionCheck outcome = check.program(functionId, ContextCheck.Target.of(ProgramType.XDP), "");
 * }</pre>
 *
 * <p>A program is its types here, a {@link io.vhost.bpf.btf.Btf} that has passed
 * {@link io.vhost.bpf.btf.check.BtfValidator}. {@code io.vhost.bpf} reads them from object files, and checks
 * whole programs with what is here.
 *
 * <h2>Context types</h2>
 * <p>A program is given one argument, its context. An XDP program is written against {@code struct xdp_md};
 * the kernel hands over a {@code struct xdp_buff} and rewrites the accesses.
 * {@link io.vhost.bpf.context.ProgramType} is the table of all program types with both sides.
 * {@link io.vhost.bpf.context.ContextTypes} finds them in a kernel's BTF, by the struct
 * {@code bpf_ctx_convert}: that of the library ({@link io.vhost.bpf.context.ContextTypes#shipped}, the same
 * on any host), that of the running kernel, or any other. {@link io.vhost.bpf.context.SectionName} tells a
 * program's type from its section.
 *
 * <h2>Three ways to judge</h2>
 * <ul>
 *   <li>{@link io.vhost.bpf.context.CheckMode#SEED}: as Linux did when it learnt about context types, in
 *       2019.
 *   <li>{@link io.vhost.bpf.context.CheckMode#KERNEL}: as Linux 6.18. A program may take what it likes, and
 *       is {@link io.vhost.bpf.context.FunctionCheck.Verdict#UNRELIABLE} if that is not its context; a global
 *       function that it calls must be right. {@code __arg_ctx} and the other argument tags are understood.
 *   <li>{@link io.vhost.bpf.context.CheckMode#STRICT}: the program must be right, too, and no function that
 *       it calls may take the context of another program type. The refusal names both types, the argument
 *       and the source line:
 * <pre>
 * arg#0 is `struct __sk_buff *`, XDP programs take `struct xdp_md *`
 * ; int filter(struct __sk_buff *ctx) @ filter.c:17
 * </pre>
 * </ul>
 * <p>The types of a function are not all: a kernel also refuses the call that passes the context to a global
 * function which takes it for memory or for a number. {@code io.vhost.bpf} finds such calls in the program's
 * instructions and asks {@link io.vhost.bpf.context.ContextCheck#contextPassed} about them.
 *
 * <p>Results are values with a log that reads like the kernel verifier's. Only names are compared, as in the
 * kernel.
 *
 * <h2>Limits</h2>
 * <p>An argument tagged {@code arg:trusted} is looked up by name, and a name that the kernel has twice is not
 * noticed. The types of an extension are checked if the type of the extended program is told
 * ({@link io.vhost.bpf.context.ContextCheck.Target}).
 *
 * <p>Thread: all classes are immutable unless they say otherwise.
 *
 * @since 0.1
 */
package io.vhost.bpf.context;
