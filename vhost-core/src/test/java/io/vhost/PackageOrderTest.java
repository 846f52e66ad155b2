package io.vhost;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** A package uses packages of lower levels only, in imports and in qualified names alike. */
class PackageOrderTest {
    private static final Map<String, Integer> LEVELS = Map.ofEntries(
            Map.entry("os", 0), Map.entry("state", 0),
            Map.entry("monitor.json", 0), Map.entry("monitor.command", 0),
            Map.entry("memory", 1), Map.entry("limit", 1), Map.entry("net.access", 1),
            Map.entry("pcap", 0), Map.entry("bpf.insn", 0), Map.entry("bpf.mem", 0),
            Map.entry("bpf.range", 1),
            Map.entry("bpf.btf.raw", 1), Map.entry("bpf.elf", 1), Map.entry("bpf.map", 1),
            Map.entry("monitor.event", 1), Map.entry("monitor.dialogue", 1),
            Map.entry("limit.account", 2),
            Map.entry("ring", 2), Map.entry("net", 2), Map.entry("dma.engine", 2),
            Map.entry("bpf.btf", 2),
            Map.entry("monitor.qmp", 2), Map.entry("monitor.hmp", 2),
            Map.entry("dma.channel", 3), Map.entry("net.custody", 3),
            Map.entry("bpf.btf.check", 3), Map.entry("bpf.btf.core", 3), Map.entry("bpf.context", 3),
            Map.entry("dma", 4), Map.entry("queue", 4),
            Map.entry("bpf", 4), Map.entry("bpf.run", 4),
            Map.entry("bpf.flow", 5), Map.entry("bpf.helper", 5), Map.entry("bpf.view", 5),
            Map.entry("bpf.vm", 6), Map.entry("bpf.jit", 6), Map.entry("bpf.live", 6),
            Map.entry("bpf.state", 7), Map.entry("bpf.rules", 8),
            Map.entry("bpf.verify", 9), Map.entry("bpf.load", 10),
            Map.entry("device.packet", 5),
            Map.entry("device.link", 6),
            Map.entry("device", 7),
            Map.entry("control", 8),
            Map.entry("protocol", 9),
            Map.entry("server", 10), Map.entry("driver", 10),
            Map.entry("monitor.device", 10),
            Map.entry("monitor", 11), Map.entry("metrics", 11), Map.entry("program", 11),
            Map.entry("capture", 11),
            Map.entry("program.command", 12), Map.entry("capture.command", 12),
            Map.entry("app.polling", 12),
            Map.entry("app.cli", 13), Map.entry("app.service", 13),
            Map.entry("app.ports", 14),
            Map.entry("app.vswitch", 15),
            Map.entry("app.demo", 16), Map.entry("app.forward", 16),
            Map.entry("app.top", 16), Map.entry("app.extcap", 16), Map.entry("app.bpf", 16),
            Map.entry("app", 17));
    private static final Path SOURCES = Path.of("src", "main", "java", "io", "vhost");
    private static final Pattern NO_CODE = Pattern.compile(
            "(?s)/\\*.*?\\*/|//[^\n]*|\"(\\\\.|[^\"\\\\\n])*\"");
    private static final Pattern USE =
            Pattern.compile("\\bio\\s*\\.\\s*vhost((?:\\s*\\.\\s*[a-z]\\w*\\b(?!\\s*\\())+)");

    @Test
    void everyPackageUsesLowerLevelsOnly() throws IOException {
        List<String> violations = new ArrayList<>();
        try (var files = Files.walk(SOURCES)) {
            for (Path file : files.filter(f -> f.toString().endsWith(".java")).sorted().toList()) {
                Path inside = SOURCES.relativize(file);
                String home = inside.getNameCount() == 1
                        ? "" : inside.getParent().toString().replace('/', '.');
                violations.addAll(violations(home, inside.toString(), Files.readString(file)));
            }
        }
        assertEquals(List.of(), violations);
    }

    @Test
    void aDependencyUpwardsOrSidewardsIsFound() {
        assertEquals(1, violations("os", "A", "import io.vhost.memory.GuestMemory;").size());
        assertEquals(1, violations("ring", "A", "Object o = new io.vhost.net.Packet();").size());
        assertEquals(0, violations("device", "A", "import io.vhost.ring.B;").size());
        assertEquals(0, violations("device", "A", "import io.vhost.device.B;").size());
        assertEquals(1, violations("app.demo", "A", "import io.vhost.app.forward.B;").size());
        assertEquals(1, violations("app.cli", "A", "import static io . vhost . app.Main.run;").size());
        assertEquals(0, violations("app.demo", "A", "import io.vhost.app.vswitch.Link;").size());
        assertEquals(0, violations("bpf", "A", "import io.vhost.bpf.btf.B;").size());
    }

    @Test
    void commentsAndTextsAreNoDependency() {
        String source = """
                /** {@link io.vhost.app.Main} */
                String text = "io.vhost.app // \\" io.vhost.app"; // io.vhost.app
                """;
        assertEquals(List.of(), violations("os", "A", source));
    }

    @Test
    void aPackageWithoutALevelIsFound() {
        assertEquals(1, violations("misc", "A", "class A {}").size());
        assertEquals(1, violations("app", "A", "import io.vhost.misc.B;").size());
        assertEquals(1, violations("app", "A", "import io.vhost.app.misc.B;").size());
        assertEquals(1, violations("app.misc", "A", "class A {}").size());
    }

    private static List<String> violations(String home, String file, String source) {
        Integer level = LEVELS.get(home);
        if (level == null) {
            return List.of(file + ": package " + home + " has no level, add it to the table of this test");
        }
        var uses = new TreeSet<String>();
        USE.matcher(NO_CODE.matcher(source).replaceAll(" ")).results()
                .forEach(use -> uses.add(use.group(1).replaceAll("\\s", "").substring(1)));
        uses.remove(home);
        return uses.stream()
                .filter(use -> LEVELS.getOrDefault(use, Integer.MAX_VALUE) >= level)
                .map(use -> file + ": level " + level + " uses " + use + " of level " + LEVELS.get(use))
                .toList();
    }
}
