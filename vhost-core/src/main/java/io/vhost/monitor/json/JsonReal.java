package io.vhost.monitor.json;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.Locale;

/** Numbers with a fraction, as C's {@code %.17g} writes them, which is what QEMU does. */
final class JsonReal {
    /** So many digits tell every double from its neighbours. */
    private static final int DIGITS = 17;
    private static final int LEAST_PLAIN = -4;

    private JsonReal() {}

    /** The text of a finite number. */
    static String text(double number) {
        String sign = Math.copySign(1, number) < 0 ? "-" : "";
        if (number == 0) {
            return sign + "0";
        }
        BigDecimal value = new BigDecimal(Math.abs(number))
                .round(new MathContext(DIGITS, RoundingMode.HALF_EVEN)).stripTrailingZeros();
        int exponent = value.precision() - value.scale() - 1;
        if (exponent >= LEAST_PLAIN && exponent < DIGITS) {
            return sign + value.toPlainString();
        }
        String digits = value.unscaledValue().toString();
        String fraction = digits.length() > 1 ? "." + digits.substring(1) : "";
        return String.format(Locale.ROOT, "%s%c%se%+03d", sign, digits.charAt(0), fraction, exponent);
    }
}
