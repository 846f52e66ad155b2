/**
 * Whether a kernel would accept a blob of BTF.
 *
 * <pre>{@code
 * BtfValidator.standard().check(blob);   // throws BtfException as Linux 6.18 would refuse
 * }</pre>
 *
 * <p>{@link io.vhost.bpf.btf.check.BtfValidator} decides. Its stages are one class each: {@code HeaderCheck},
 * {@code MetaCheck} with {@code MemberListCheck}, {@code ResolveCheck} with {@code Resolution} and
 * {@code MemberCheck}, {@code ChainCheck}. {@code Names} knows what a name may hold, {@code BtfLog} writes
 * the kernel's lines. {@link io.vhost.bpf.btf.check.BtfRule} lists where kernels differ, as data.
 *
 * <p>The stages look at bare records, not at decoded types: what is judged here must not be decoded yet.
 *
 * @since 0.1
 */
package io.vhost.bpf.btf.check;
