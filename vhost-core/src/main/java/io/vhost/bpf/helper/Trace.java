package io.vhost.bpf.helper;

import io.vhost.bpf.run.Cpu;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * bpf_trace_printk: a line in the log of this class, at level INFO, at most {@value #MOST} in a second, since
 * whoever sends packets decides how many there are. Not for hot paths.
 */
final class Trace {
    private static final System.Logger LOGGER = System.getLogger(Trace.class.getName());
    private static final int MAX_FORMAT = 512;
    private static final int EINVAL = -22;
    private static final int MOST = 1000;
    private static final long SECOND = 1_000_000_000;

    private static final AtomicLong BEGIN = new AtomicLong(System.nanoTime());
    private static final AtomicInteger LINES = new AtomicInteger();

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
        log(line.strip());
        return line.length();
    }

    static void log(String line) {
        long now = System.nanoTime();
        long begin = BEGIN.get();
        if (now - begin >= SECOND && BEGIN.compareAndSet(begin, now)) {
            int left = LINES.getAndSet(0) - MOST;
            if (left > 0) {
                LOGGER.log(System.Logger.Level.INFO, left + " lines were left out");
            }
        }
        // Of more than MOST only the number counts, which ends where it can go no further.
        if (LINES.get() < Integer.MAX_VALUE / 2 && LINES.incrementAndGet() <= MOST) {
            LOGGER.log(System.Logger.Level.INFO, line);
        }
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
