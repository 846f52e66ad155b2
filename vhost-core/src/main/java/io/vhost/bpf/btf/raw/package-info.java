/**
 * The words of BTF records, where they stand in a blob.
 *
 * <p>Below everything that knows what a record means: {@code io.vhost.bpf.btf} decodes what
 * {@link io.vhost.bpf.btf.raw.BtfRaw} finds, {@code io.vhost.bpf.btf.check} judges it before anybody may
 * decode it. Both need the bare words and no user does, so that this package is not exported.
 */
package io.vhost.bpf.btf.raw;
