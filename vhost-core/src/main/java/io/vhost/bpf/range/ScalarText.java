package io.vhost.bpf.range;

import java.util.ArrayList;
import java.util.List;

/** Bounds in the words of the kernel's log: those that say anything. */
final class ScalarText {
    private ScalarText() {
    }

    static String of(Bounds scalar) {
        List<String> parts = new ArrayList<>();
        add(parts, "smin=", Long.toString(scalar.smin), scalar.smin != Long.MIN_VALUE);
        add(parts, "smax=", Long.toString(scalar.smax), scalar.smax != Long.MAX_VALUE);
        add(parts, "umin=", Long.toUnsignedString(scalar.umin), scalar.umin != 0);
        add(parts, "umax=", Long.toUnsignedString(scalar.umax), scalar.umax != -1);
        add(parts, "smin32=", Integer.toString(scalar.smin32), scalar.smin32 != Integer.MIN_VALUE
                && scalar.smin32 != scalar.smin);
        add(parts, "smax32=", Integer.toString(scalar.smax32), scalar.smax32 != Integer.MAX_VALUE
                && scalar.smax32 != scalar.smax);
        add(parts, "umin32=", Integer.toUnsignedString(scalar.umin32), scalar.umin32 != 0
                && Integer.toUnsignedLong(scalar.umin32) != scalar.umin);
        add(parts, "umax32=", Integer.toUnsignedString(scalar.umax32), scalar.umax32 != -1
                && Integer.toUnsignedLong(scalar.umax32) != scalar.umax);
        add(parts, "var_off=", scalar.bits.toString(), !scalar.bits.equals(Tnum.UNKNOWN));
        return "scalar(" + String.join(",", parts) + ")";
    }

    private static void add(List<String> parts, String name, String value, boolean known) {
        if (known) {
            parts.add(name + value);
        }
    }
}
