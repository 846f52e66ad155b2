package io.vhost;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** No line of Java is longer than .editorconfig says: editors obey it, the compiler does not know it. */
class LineLengthTest {
    private static final Path ROOT = Path.of("..");
    private static final Pattern LONGEST = Pattern.compile("(?m)^max_line_length = (\\d+)$");

    @ParameterizedTest
    @ValueSource(strings = {"vhost-core", "vhost-jcstress"})
    void noLineIsLongerThanEditorsAreTold(String module) throws IOException {
        Matcher setting = LONGEST.matcher(Files.readString(ROOT.resolve(".editorconfig")));
        assertTrue(setting.find());
        int longest = Integer.parseInt(setting.group(1));
        List<Path> sources;
        try (var files = Files.walk(ROOT.resolve(module).resolve("src"))) {
            sources = files.filter(file -> file.toString().endsWith(".java")).sorted().toList();
        }
        assertFalse(sources.isEmpty());
        List<String> tooLong = new ArrayList<>();
        for (Path file : sources) {
            List<String> lines = Files.readAllLines(file);
            for (int i = 0; i < lines.size(); i++) {
                if (lines.get(i).length() > longest) {
                    tooLong.add(file + ":" + (i + 1) + ": " + lines.get(i).length());
                }
            }
        }
        assertEquals(List.of(), tooLong);
    }
}
