package io.vhost.bpf.btf.core;

import io.vhost.bpf.btf.Btf;
import io.vhost.bpf.btf.BtfKind;

/** Names and kinds as they are compared between two sets of types. */
final class CoreNames {
    private static final String SEPARATOR = "___";

    private CoreNames() {
    }

    /** A name without its flavor: what is in front of the last {@code ___}. */
    static String essential(String name) {
        for (int i = name.length() - 5; i >= 0; i--) {
            if (name.charAt(i) != '_' && name.startsWith(SEPARATOR, i + 1) && name.charAt(i + 4) != '_') {
                return name.substring(0, i + 1);
            }
        }
        return name;
    }

    static boolean same(String one, String other) {
        return essential(one).equals(essential(other));
    }

    /** Whether two kinds are as good as each other: both kinds of enums are. */
    static boolean alike(BtfKind one, BtfKind other) {
        return one == other || (one.isEnum() && other.isEnum());
    }

    /** {@code struct name}, for messages. */
    static String of(Btf btf, int type) {
        String kind = switch (btf.kind(type)) {
            case STRUCT -> "struct ";
            case UNION -> "union ";
            case ENUM, ENUM64 -> "enum ";
            default -> "";
        };
        return kind + (btf.name(type).isEmpty() ? "<anonymous>" : btf.name(type));
    }
}
