package io.vhost.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.app.cli.CommandContext;
import io.vhost.app.cli.EndSignal;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;
import picocli.CommandLine.ParseResult;

/** The README says what is so, and the guide. */
class ReadmeTest {
    private static final Path README = Path.of("..", "README.md");
    private static final Path GUIDE = Path.of("docs");
    private static final Path EXAMPLES = Path.of("src", "test", "java", "io", "vhost", "example");
    private static final Pattern PROGRAM = Pattern.compile("(?s)```java\n(.*?)```");
    private static final Pattern LINK = Pattern.compile("\\]\\(([^)#:]+)(?:#[^)]*)?\\)");
    private static final Pattern ON_A_LINE =
            Pattern.compile("(?m)^java -jar vhost-core/target/vhost-core\\.jar(.*)$");
    private static final Pattern IN_TEXT = Pattern.compile("`((?:demo|forward|switch|top|bpf) [^`]*)`");
    private static final Pattern AS_ARGUMENT = Pattern.compile("-Dargs=\"([^\"]*)\"");

    /** Examples are compiled and run with the tests. */
    @Test
    void programsAreExamples() throws IOException {
        List<String> examples = new ArrayList<>();
        for (Path file : filesBelow(EXAMPLES)) {
            examples.add(Files.readString(file));
        }
        for (Path page : pages()) {
            for (String program : found(PROGRAM, page).toList()) {
                assertTrue(examples.stream().anyMatch(example -> example.contains(program)),
                        page + " shows what no example has:\n" + program);
            }
        }
    }

    /** What an application is told to depend on is what the build makes. */
    @Test
    void itsCoordinatesAreThoseOfTheBuild() throws IOException {
        String build = Files.readString(Path.of("pom.xml"));
        Matcher maven = Pattern.compile("(?s)<dependency>\\s*<groupId>io.vhost</groupId>\\s*"
                + "<artifactId>vhost-core</artifactId>\\s*<version>([^<]*)</version>")
                .matcher(Files.readString(README));
        assertTrue(maven.find());
        String version = maven.group(1);
        assertTrue(build.contains("<artifactId>vhost-parent</artifactId>\n    <version>" + version + "<"));
        assertTrue(Files.readString(README).contains("(\"io.vhost:vhost-core:" + version + "\")"));
    }

    @Test
    void linksLeadToFiles() throws IOException {
        for (Path page : pages()) {
            for (String link : found(LINK, page).toList()) {
                Path target = page.resolveSibling(link);
                assertTrue(Files.exists(target), page + " names " + target);
            }
        }
    }

    @Test
    void itsCommandsAreUnderstood() throws IOException {
        List<String> commands =
                Stream.of(ON_A_LINE, IN_TEXT, AS_ARGUMENT)
                        .flatMap(pattern -> pages().stream().flatMap(page -> found(pattern, page))).toList();
        assertTrue(commands.size() >= 10, commands::toString);
        for (String command : commands) {
            // With the option for help nothing else is required, and what is not understood can be asked for.
            String words = command.replaceAll("#.*|--help", "") + " --help";
            CommandContext context =
                    new CommandContext(new PrintWriter(Writer.nullWriter()), false, new EndSignal());
            ParseResult result = VhostCommand.commandLine(context).parseArgs(words.trim().split(" +"));
            for (CommandLine parsed : result.asCommandLineList()) {
                assertEquals(List.of(), parsed.getParseResult().unmatched(), command);
            }
        }
    }

    private static List<Path> pages() {
        return Stream.concat(Stream.of(README), filesBelow(GUIDE).stream().filter(
                file -> file.toString().endsWith(".md"))).toList();
    }

    private static List<Path> filesBelow(Path directory) {
        try (Stream<Path> files = Files.walk(directory)) {
            return files.filter(Files::isRegularFile).sorted().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Stream<String> found(Pattern pattern, Path page) {
        try {
            Matcher matcher = pattern.matcher(Files.readString(page));
            return matcher.results().map(result -> result.group(1)).toList().stream();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
