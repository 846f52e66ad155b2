package io.vhost.bpf.btf.check;

import io.vhost.bpf.btf.raw.BtfRaw;
import java.util.Set;

/** Which names are legal: C identifiers for nearly everything, printable text for sections. */
final class Names {
    private final BtfRaw raw;
    private final boolean dots;
    private final boolean printableSections;

    Names(BtfRaw raw, Set<BtfRule> rules) {
        this.raw = raw;
        this.dots = rules.contains(BtfRule.DOTS_IN_NAMES);
        this.printableSections = rules.contains(BtfRule.PRINTABLE_SECTION_NAMES);
    }

    /** Whether the name at {@code offset} is an identifier. The offset must exist. */
    boolean identifier(int offset) {
        return valid(offset, dots);
    }

    /** Whether the name at {@code offset} can name a section. The offset must exist. */
    boolean section(int offset) {
        if (!printableSections) {
            return valid(offset, true);
        }
        int at = offset;
        while (raw.stringByte(at) != 0 && at - offset < BtfRaw.MAX_NAME_LENGTH) {
            if (!printable(raw.stringByte(at))) {
                return false;
            }
            at++;
        }
        return at > offset && raw.stringByte(at) == 0;
    }

    /** Whether the name is there and not empty; tags may hold anything. */
    boolean present(int offset) {
        return raw.stringByte(offset) != 0;
    }

    private boolean valid(int offset, boolean dotsAllowed) {
        if (!legal(raw.stringByte(offset), true, dotsAllowed)) {
            return false;
        }
        int at = offset + 1;
        while (raw.stringByte(at) != 0 && at - offset < BtfRaw.MAX_NAME_LENGTH) {
            if (!legal(raw.stringByte(at), false, dotsAllowed)) {
                return false;
            }
            at++;
        }
        return raw.stringByte(at) == 0;
    }

    private static boolean legal(byte character, boolean first, boolean dotsAllowed) {
        int c = character & 0xFF;
        return alphabetic(c) || c == '_' || (dotsAllowed && c == '.') || (!first && c >= '0' && c <= '9');
    }

    // The kernel's character table is Latin-1: letters with accents are letters, and print.
    private static boolean alphabetic(int c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= 0xC0 && c != 0xD7 && c != 0xF7);
    }

    private static boolean printable(byte character) {
        int c = character & 0xFF;
        return (c >= 0x20 && c < 0x7F) || c >= 0xA0;
    }
}
