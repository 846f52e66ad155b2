package io.vhost.capture;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.app.Await;
import io.vhost.device.PacketPorts;
import io.vhost.device.ProgramChain;
import java.io.IOException;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which captures an application has. */
class CaptureRegistryTest {
    @TempDir
    private Path folder;

    private final ProgramChain chain = ProgramChain.fromGuest("vm0", 1, PacketPorts.NONE);

    /** Two captures to one file would mix, whichever names they have for it. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aFileOfAnotherNameIsNoOtherFile(boolean numbered) throws IOException {
        Path folders = Files.createSymbolicLink(folder.resolve("link"), folder);
        CaptureOptions options = numbered ? CaptureOptions.defaults().files(1 << 20, 0)
                : CaptureOptions.defaults();
        try (CaptureRegistry registry = new CaptureRegistry()) {
            registry.start(folder.resolve("a"), options, List.of());
            refused(registry, folders.resolve("a"), options, "runs already");
            if (!numbered) {
                Path link = Files.createLink(folder.resolve("b"), folder.resolve("a"));
                refused(registry, link, options, "runs already");
                refused(registry, Files.createSymbolicLink(folder.resolve("c"), link), options,
                        "runs already");
            }
            registry.start(folder.resolve("d"), options, List.of());
            registry.stop(folders.resolve("a"));
            registry.start(folders.resolve("a"), options, List.of());
            assertEquals(2, registry.captures().size());
        }
    }

    private static void refused(CaptureRegistry registry, Path file, CaptureOptions options, String text,
            ProgramChain... places) {
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class,
                () -> registry.start(file, options, List.of(places)));
        assertTrue(e.getMessage().contains(text), e::getMessage);
    }

    /** A port goes after somebody has looked for it: a capture of it would never end. */
    @Test
    void aPortThatHasGoneIsNotRecorded() throws IOException {
        try (CaptureRegistry registry = new CaptureRegistry()) {
            registry.add(chain);
            List<ProgramChain> found = registry.chains(1, true, false);
            registry.remove(chain);
            refused(registry, folder.resolve("a"), CaptureOptions.defaults(), "vm0", found.getFirst());
            assertEquals(List.of(), registry.captures());
            assertEquals(List.of(), chain.links());
            assertTrue(Files.notExists(folder.resolve("a")));
        }
    }

    private static long reserved() {
        return ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
                .filter(pool -> pool.getName().equals("direct")).findFirst().orElseThrow().getMemoryUsed();
    }

    /** What is over is remembered, but not what its packets waited in: there is little of such memory. */
    @Test
    void whatIsOverKeepsNoBuffer() throws IOException {
        try (CaptureRegistry registry = new CaptureRegistry()) {
            long before = reserved();
            for (int i = 0; i < 8; i++) {
                registry.add(chain);
                Capture capture =
                        registry.start(folder.resolve("a" + i), CaptureOptions.defaults(), List.of(chain));
                assertTrue(reserved() >= before + CaptureOptions.BUFFER, () -> before + " " + reserved());
                registry.remove(chain);
                Await.until("the end", () -> capture.state() == CaptureState.ENDED);
            }
            assertEquals(8, registry.captures().size());
            Await.until("memory of captures that are over is free", () -> {
                System.gc();
                return reserved() < before + CaptureOptions.BUFFER;
            });
        }
    }

    /** Whatever digits people use where it runs. */
    @Test
    void numbersOfFilesAreThoseThatProgramsRead() {
        Locale before = Locale.getDefault(Locale.Category.FORMAT);
        Locale.setDefault(Locale.Category.FORMAT, Locale.forLanguageTag("ar-EG-u-nu-arab"));
        try {
            assertEquals(Path.of("x/a_00042.pcapng"), CaptureOutput.numbered(Path.of("x/a.pcapng"), 42));
        } finally {
            Locale.setDefault(Locale.Category.FORMAT, before);
        }
    }
}
