package io.vhost.bpf.btf.check;

import java.util.Collections;
import java.util.EnumSet;
import java.util.Set;

/**
 * A point in which kernels judge the same blob differently: the whole list of known differences between
 * kernels, as data.
 *
 * <p>A rule is in force from the kernel where it appeared until, if ever, a later kernel dropped it.
 */
public enum BtfRule {
    /** Enum and enum64 may set kind_flag, which means signed values. */
    ENUM_KIND_FLAG("6.0", "", "signed enums came together with BTF_KIND_ENUM64"),
    /** Kind 19 is known. */
    ENUM64("6.0", "", "BTF_KIND_ENUM64"),
    /** Declaration and type tags may set kind_flag, which means an arbitrary attribute. */
    TAG_KIND_FLAG("6.15", "", "attributes other than btf_decl_tag and btf_type_tag"),
    /** Any name may hold dots, where before only section names could. */
    DOTS_IN_NAMES("6.5", "", "compilers emit symbols such as func.isra.0"),
    /** Section names may hold any printable character. */
    PRINTABLE_SECTION_NAMES("6.9", "", "libbpf's '?' prefix for optional struct_ops sections"),
    /** Type tags must come before other modifiers. */
    TYPE_TAGS_FIRST("5.19", "7.0", "only the length of a chain is checked since"),
    /** An info word with unknown bits is refused before its kind is looked at. */
    INFO_MASK("4.18", "7.0", "no spare bits are left once kind and vlen are widened"),
    /** The head has layout words, checked as a third section. */
    LAYOUT_SECTION("7.0", "", "old readers can skip kinds that they do not know"),
    /** The kind is 7 bits wide and vlen 24. */
    WIDE_INFO("7.0", "", "structs and enums with more than 65,535 members");

    /** What Linux 5.17 did: the first kernel with type tags. */
    public static final Set<BtfRule> LINUX_5_17 = set(INFO_MASK);
    /** What Linux 6.18 does: the long-term kernel whose verdicts and texts this library is compared with. */
    public static final Set<BtfRule> LINUX_6_18 =
            set(INFO_MASK, ENUM_KIND_FLAG, ENUM64, TAG_KIND_FLAG, DOTS_IN_NAMES, PRINTABLE_SECTION_NAMES,
                    TYPE_TAGS_FIRST);
    /** What the development kernel of 2026 does. */
    public static final Set<BtfRule> LINUX_7_0 =
            set(ENUM_KIND_FLAG, ENUM64, TAG_KIND_FLAG, DOTS_IN_NAMES, PRINTABLE_SECTION_NAMES, LAYOUT_SECTION,
                    WIDE_INFO);

    private final String since;
    private final String until;
    private final String reason;

    BtfRule(String since, String until, String reason) {
        this.since = since;
        this.until = until;
        this.reason = reason;
    }

    /** The kernel version in which the rule appeared, as far as known. */
    public String since() {
        return since;
    }

    /** The kernel version that dropped the rule; empty if it is still in force. */
    public String until() {
        return until;
    }

    /** Why kernels differ here. */
    public String reason() {
        return reason;
    }

    private static Set<BtfRule> set(BtfRule first, BtfRule... others) {
        return Collections.unmodifiableSet(EnumSet.of(first, others));
    }
}
