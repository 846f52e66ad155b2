package io.vhost.bpf.btf.check;

import io.vhost.bpf.btf.Btf;
import io.vhost.bpf.btf.BtfException;
import io.vhost.bpf.btf.BtfHeader;
import io.vhost.bpf.btf.Errno;
import io.vhost.bpf.btf.raw.BtfRaw;
import java.nio.ByteOrder;
import java.util.Set;

/**
 * Decides whether a blob is BTF that a kernel would accept: the same checks in the same order with the same
 * words and error numbers, in bounded time and memory whatever the blob holds.
 *
 * <p>Stages: head and sections, strings, each record on its own, references, chains of modifiers. Kernels go
 * on to structs with members of special types, {@code bpf_spin_lock}, {@code bpf_refcount}, {@code
 * bpf_list_head}, {@code bpf_list_node}, {@code bpf_rb_root} and {@code bpf_rb_node}: their sizes, places and
 * owners are not looked at here, such blobs are accepted.
 *
 * <p>Thread: immutable; any thread.
 */
public final class BtfValidator {
    private final Set<BtfRule> rules;
    private final ByteOrder order;
    private final boolean trace;

    private BtfValidator(Set<BtfRule> rules, ByteOrder order, boolean trace) {
        this.rules = rules;
        this.order = order;
        this.trace = trace;
    }

    /** A validator for little-endian blobs by the rules of Linux 6.18, which logs errors only. */
    public static BtfValidator standard() {
        return new BtfValidator(BtfRule.LINUX_6_18, ByteOrder.LITTLE_ENDIAN, false);
    }

    /** The same, by the rules of another kernel. */
    public BtfValidator rules(Set<BtfRule> others) {
        return new BtfValidator(Set.copyOf(others), order, trace);
    }

    /** The same, for blobs of a machine with this byte order; the other order is an invalid magic number. */
    public BtfValidator byteOrder(ByteOrder other) {
        return new BtfValidator(rules, other, trace);
    }

    /** The same, but the log also has the lines with which a kernel lists the types that it accepts. */
    public BtfValidator tracing() {
        return new BtfValidator(rules, order, true);
    }

    /**
     * Checks {@code blob}.
     *
     * @return the log: empty unless tracing
     * @throws BtfException at the first fault, with the error number, the log and the place
     */
    public String check(byte[] blob) throws BtfException {
        StringBuilder text = new StringBuilder();
        BtfHeader header = new HeaderCheck(blob, rules, order, text, trace).check();
        BtfRaw raw = new BtfRaw(blob, order, rules.contains(BtfRule.WIDE_INFO), header.typesStart(),
                header.stringsStart(), header.stringsLength());
        BtfLog log = new BtfLog(raw, text, trace);
        if ((header.typesOffset() & 3) != 0) {
            throw new BtfException(Errno.EINVAL, 8, 0, "Unaligned type_off",
                    text.append("Unaligned type_off").toString());
        }
        if (header.typesLength() == 0) {
            throw new BtfException(Errno.EINVAL, 12, 0, "No type found",
                    text.append("No type found").toString());
        }
        new MetaCheck(raw, log, rules).checkAll(raw.typesStart(), raw.typesStart() + header.typesLength());
        new ResolveCheck(raw, log, rules).checkAll();
        new ChainCheck(raw, log, rules.contains(BtfRule.TYPE_TAGS_FIRST)).checkAll();
        return text.toString();
    }

    /**
     * Checks {@code blob} and opens it.
     *
     * @throws BtfException at the first fault
     */
    public Btf load(byte[] blob) throws BtfException {
        check(blob);
        return Btf.parse(blob);
    }
}
