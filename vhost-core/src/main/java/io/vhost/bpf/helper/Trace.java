package io.vhost.bpf.helper;

import io.vhost.bpf.run.Cpu;
import java.nio.charset.StandardCharsets;

/** bpf_trace_printk: a line in the log of this class, at level INFO. Not for hot paths. */
final class Trace {
    private static final System.Logger LOGGER = System.getLogger(Trace.class.getName());
    private static final int MAX_FORMAT = 512;
    private static final int EINVAL = -22;

    private Trace() {
    }

    static long print(Cpu cpu, long format, long size, long r3, long r4, long r5) {
        if (size <= 0 || size > MAX_FORMAT) {
            return EINVAL;
        }
        byte[] text = new byte[(int) size];
        for (int i = 0; i < text.length; i++) {
            text[i] = (byte) cpu.memory().load(format + i, 1);
        }
        if (text[text.length - 1] != 0) {
            return EINVAL;
        }
        String line = formatted(new String(text, 0, text.length - 1, StandardCharsets.UTF_8), r3, r4, r5);
        LOGGER.log(System.Logger.Level.INFO, line.strip());
        return line.length();
    }

    /** The text with numbers in the place of {@code %d %i %u %x %p} and their long forms. */
    static String formatted(String format, long... values) {
        StringBuilder text = new StringBuilder();
        int next = 0;
        int at = 0;
        while (at < format.length()) {
            char c = format.charAt(at++);
            if (c != '%' || at == format.length()) {
                text.append(c);
                continue;
            }
            int longs = 0;
            while (at < format.length() - 1 && format.charAt(at) == 'l') {
                longs++;
                at++;
            }
            char conversion = format.charAt(at++);
            if (conversion == '%' || next == values.length) {
                text.append(conversion == '%' ? "%" : "%?");
            } else {
                text.append(number(conversion, values[next++], longs > 0));
            }
        }
        return text.toString();
    }

    private static String number(char conversion, long value, boolean wide) {
        return switch (conversion) {
            case 'u' -> Long.toUnsignedString(wide ? value : value & 0xFFFFFFFFL);
            case 'x' -> Long.toHexString(wide ? value : value & 0xFFFFFFFFL);
            case 'p' -> Long.toHexString(value);
            default -> Long.toString(wide ? value : (int) value);
        };
    }
}
