package io.vhost.monitor;

import io.vhost.monitor.json.Json;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Map;
import java.util.Properties;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The version of this library, in the form that QEMU's clients read. */
final class Version {
    private static final Pattern NUMBERS = Pattern.compile("(\\d+)\\.(\\d+)(?:\\.(\\d+))?.*");

    private Version() {}

    /** The result of {@code query-version}. */
    static Map<String, Object> describe() {
        Matcher numbers = NUMBERS.matcher(text());
        boolean known = numbers.matches();
        return Json.object(
                "qemu", Json.object(
                        "micro", known ? number(numbers.group(3)) : 0,
                        "minor", known ? number(numbers.group(2)) : 0,
                        "major", known ? number(numbers.group(1)) : 0),
                "package", "vhost " + text());
    }

    /** The version as the build wrote it down. */
    static String text() {
        Properties properties = new Properties();
        try (InputStream in = Version.class.getResourceAsStream("version.properties")) {
            properties.load(in);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return properties.getProperty("version");
    }

    private static int number(String digits) {
        return digits == null ? 0 : Integer.parseInt(digits);
    }
}
