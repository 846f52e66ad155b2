/**
 * BTF, the BPF Type Format: reading, validating, writing and printing the types of programs, object files and
 * kernels.
 *
 * <pre>{@code
 * Btf kernel = Btf.read(Btf.HOST);                              // opened lazily: 126,000 types in some 30 ms
 * int id = kernel.find(BtfKind.STRUCT, "xdp_md");
 * if (kernel.type(id) instanceof BtfType.Composite struct) ...  // decoded when asked for
 * System.out.print(CDump.one(kernel, id));                      // as a C header
 *
 * BtfBuilder builder = new BtfBuilder();
 * int integer = builder.integer("int", 4, BtfType.Int.SIGNED);
 * builder.function("main", BtfType.Function.GLOBAL, integer);
 * byte[] blob = builder.build();
 * BtfValidator.standard().check(blob);                          // throws BtfException as Linux 6.18 would
 * refuse }</pre>
 *
 * <h2>How the classes fit</h2>
 * <ul>
 *   <li>{@link io.vhost.bpf.btf.Btf} is a blob, opened; {@link io.vhost.bpf.btf.BtfType} is one type,
 *       decoded; {@link io.vhost.bpf.btf.BtfExt} adds the lines and functions of an object file.
 *   <li>{@link io.vhost.bpf.btf.check.BtfValidator} decides whether a kernel would accept a blob;
 *       it has a package of its own.
 *   <li>{@link io.vhost.bpf.btf.BtfBuilder} writes; {@link io.vhost.bpf.btf.BtfDump} lists records as bpftool
 *       does, {@link io.vhost.bpf.btf.CTypes} writes declarations and {@link io.vhost.bpf.btf.CDump} whole
 *       headers. They stay beside {@code Btf} because they look at its bare records, which no user should
 *       have to see.
 *   <li>{@code io.vhost.bpf.btf.raw.BtfRaw} alone knows where the words of a record are;
 *       {@code BtfStructure} checks what must hold before a blob can be read at all.
 * </ul>
 *
 * <h2>Opening is not validating</h2>
 * <p>{@link io.vhost.bpf.btf.Btf#parse} makes sure that records are complete and that what they refer to
 * exists. That is enough to read the types of an object file before a loader has completed them. Whether a
 * chain of types ends, whether members fit, whether names are legal is for the validator to say; what walks
 * types without its word bounds its steps. Broken input of any kind ends in a
 * {@link io.vhost.bpf.btf.BtfException}, nothing else, after work in proportion to its size.
 *
 * <h2>What is deliberately absent</h2>
 * <p>Types split over two blobs (kernel modules), deduplication, and what kernels do with types of special
 * names.
 *
 * <p>Sources: Linux, Documentation/bpf/btf.rst; include/uapi/linux/btf.h; behaviour of Linux 6.18, compared
 * blob by blob. The names of kinds, fields and errors are the kernel's.
 *
 * @since 0.1
 */
package io.vhost.bpf.btf;
