package io.vhost.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.app.cli.CommandContext;
import io.vhost.app.cli.EndSignal;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;
import picocli.CommandLine.ParseResult;

/** The README says what is so. */
class ReadmeTest {
    private static final Path README = Path.of("..", "README.md");
    private static final Path EXAMPLES = Path.of("src", "test", "java", "io", "vhost", "example");
    private static final Pattern PROGRAM = Pattern.compile("(?s)```java\n(.*?)```");
    private static final Pattern ON_A_LINE =
            Pattern.compile("(?m)^java -jar vhost-core/target/vhost-core\\.jar(.*)$");
    private static final Pattern IN_TEXT = Pattern.compile("`((?:demo|forward|switch|top|bpf) [^`]*)`");
    private static final Pattern AS_ARGUMENT = Pattern.compile("-Dargs=\"([^\"]*)\"");

    @Test
    void itsProgramsAreExamples() throws IOException {
        List<String> programs = found(PROGRAM).toList();
        List<String> examples = List.of("Bridge.java", "ObjectCheck.java", "PollingLoop.java");
        assertEquals(examples.size(), programs.size());
        for (int i = 0; i < examples.size(); i++) {
            assertTrue(Files.readString(EXAMPLES.resolve(examples.get(i))).contains(programs.get(i)));
        }
    }

    @Test
    void itsCommandsAreUnderstood() throws IOException {
        List<String> commands =
                Stream.of(ON_A_LINE, IN_TEXT, AS_ARGUMENT).flatMap(ReadmeTest::found).toList();
        assertTrue(commands.size() >= 10, commands::toString);
        for (String command : commands) {
            // With the option for help nothing else is required, and what is not understood can be asked for.
            String words = command.replaceAll("#.*|--help", "") + " --help";
            CommandContext context =
                    new CommandContext(new PrintWriter(Writer.nullWriter()), false, new EndSignal());
            ParseResult result = Main.commandLine(context).parseArgs(words.trim().split(" +"));
            for (CommandLine parsed : result.asCommandLineList()) {
                assertEquals(List.of(), parsed.getParseResult().unmatched(), command);
            }
        }
    }

    private static Stream<String> found(Pattern pattern) {
        try {
            Matcher matcher = pattern.matcher(Files.readString(README));
            return matcher.results().map(result -> result.group(1)).toList().stream();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
