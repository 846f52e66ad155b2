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
 * <p>{@link io.vhost.bpf.BpfObject} is an object file; what its programs should take, and the check itself,
 * are in {@code io.vhost.bpf.context}, which knows types only; the types are those of
 * {@code io.vhost.bpf.btf}. {@link io.vhost.bpf.BpfObject#link} puts a program together as it is loaded.
 *
 * <h2>How an object becomes checkable</h2>
 * <p>{@link io.vhost.bpf.BpfObject} goes through stages, and a {@link io.vhost.bpf.BpfException} names the
 * one that failed: ELF, READ, FIX_UP (section sizes, variable offsets, extern symbols, hidden functions: what
 * a compiler leaves to a loader), VALIDATE, OBJECT. Both byte orders are read.
 *
 * <h2>Limits</h2>
 * <p>Files of at most 64 MiB, 4,096 functions, 255 functions called by one program. CO-RE relocations are
 * applied where types are named, see {@link io.vhost.bpf.BpfObject#link}. Functions that are only declared
 * are not looked for in other objects or in the kernel. What else a verifier looks at, such as bounds, is
 * not judged here, but where a program is loaded to run. Calls are judged where they pass the context on in
 * a register, whichever way through the function led there: a context that was on the stack in between is
 * not followed, and a call that a constant in {@code .rodata} rules out is judged all the same. In a file
 * whose programs have more than four million
 * instructions with what they call, no call is judged.
 * {@link io.vhost.bpf.DebugInfoCheck} is for whoever puts a program together: reading an object does not ask
 * for it.
 *
 * <p>Nothing here knows rings or packets. Thread: all classes are immutable unless they say otherwise.
 *
 * @since 0.1
 */
package io.vhost.bpf;
