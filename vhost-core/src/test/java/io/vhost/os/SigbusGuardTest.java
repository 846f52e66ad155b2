package io.vhost.os;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.vhost.peer.MainProcess;
import io.vhost.peer.Program;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** In processes of their own: the guard stays for good, and without it most of these accesses end the JVM. */
@Tag("slow")
@EnabledOnOs(architectures = "amd64", value = OS.LINUX)
class SigbusGuardTest {
    @TempDir
    private Path directory;

    private void run(List<String> compiler, String what) {
        try (Program program = MainProcess.start(
                compiler, Accesses.class, what, directory.resolve("file").toString())) {
            assertEquals(0, program.exitStatus(), program::output);
        }
    }

    private static List<List<String>> compilers() {
        return MainProcess.compilers();
    }

    @ParameterizedTest
    @MethodSource("compilers")
    void noFormOfAccessEndsTheProcess(List<String> compiler) {
        run(compiler, "forms");
    }

    @Test
    void aPartIsReplacedAsAWholeAndOthersAreNot() {
        run(List.of(), "parts");
    }

    @Test
    void aFaultElsewhereIsTheJvms() {
        run(List.of(), "elsewhere");
    }

    @Test
    void placesComeBackAndPartsBeyondTheTableAreTheJvms() {
        run(List.of(), "places");
    }

    static final class Accesses {
        private static final VarHandle SHORT = JAVA_SHORT.varHandle();
        private static final VarHandle INT = JAVA_INT.varHandle();
        private static final VarHandle LONG = JAVA_LONG.varHandle();
        private static final int PAGE = 4096;
        private static final int FORMS = 8;
        private static final MemorySegment OWN = Arena.global().allocate(PAGE);

        private Accesses() {}

        public static void main(String[] words) throws IOException {
            Path path = Path.of(words[1]);
            Mapping before = place(path, PAGE);
            SigbusGuard.enable();
            SigbusGuard.enable();
            switch (words[0]) {
                case "forms" -> forms(path);
                case "parts" -> parts(path);
                case "elsewhere" -> elsewhere(path, before);
                default -> places(path);
            }
        }

        private static Mapping place(Path path, int length) throws IOException {
            Files.write(path, new byte[length]);
            Mapping window = Mapping.reserve(length);
            try (Descriptor file = Opened.readWrite(path)) {
                window.place(0, file, 0, length);
            }
            return window;
        }

        private static void truncate(Path path, long length) throws IOException {
            try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
                file.setLength(length);
            }
        }

        private static void forms(Path path) throws IOException {
            for (int form = 0; form < FORMS; form++) {
                try (Mapping warm = place(path, PAGE)) {
                    for (int i = 0; i < 30_000; i++) {
                        access(form, warm.segment());
                    }
                    require(!warm.isReplaced(), "replaced without a fault");
                }
                for (int i = 0; i < 20; i++) {
                    try (Mapping window = place(path, PAGE)) {
                        truncate(path, 0);
                        access(form, window.segment());
                        require(window.isReplaced(), "form " + form);
                    }
                }
            }
        }

        /** Those that end a JVM somewhere, and what the library uses. */
        private static long access(int form, MemorySegment memory) {
            switch (form) {
                case 0 -> SHORT.setRelease(memory, 0L, (short) 1);
                case 1 -> SHORT.setOpaque(memory, 2L, (short) 1);
                case 2 -> INT.compareAndSet(memory, 0L, 0, 0);
                case 3 -> LONG.compareAndSet(memory, 0L, 0L, 0L);
                case 4 -> {
                    long sum = 1;
                    sum += memory.get(JAVA_INT, 4);
                    return sum;
                }
                case 5 -> MemorySegment.copy(memory, 0, OWN, 0, PAGE);
                case 6 -> MemorySegment.copy(OWN, 0, memory, 0, PAGE);
                default -> memory.set(JAVA_BYTE, PAGE - 1, (byte) 1);
            }
            return 0;
        }

        private static void parts(Path path) throws IOException {
            Path other = path.resolveSibling("other");
            Files.write(other, new byte[] {7});
            try (Mapping window = Mapping.reserve(4 * PAGE);
                    Mapping neighbour = place(other, PAGE);
                    Descriptor first = file(path, 2 * PAGE);
                    Descriptor second = file(path.resolveSibling("second"), 2 * PAGE)) {
                window.place(0, first, 0, 2 * PAGE);
                window.place(2 * PAGE, second, 0, 2 * PAGE);
                MemorySegment memory = window.segment();
                memory.set(JAVA_BYTE, 0, (byte) 1);
                memory.set(JAVA_BYTE, 2 * PAGE, (byte) 2);
                memory.set(JAVA_BYTE, 4 * PAGE - 1, (byte) 3);
                truncate(path.resolveSibling("second"), PAGE);
                require(memory.get(JAVA_BYTE, 2 * PAGE) == 2 && !window.isReplaced(), "nothing touched yet");
                require(memory.get(JAVA_BYTE, 3 * PAGE) == 0 && window.isReplaced(), "replaced");
                require(memory.get(JAVA_BYTE, 2 * PAGE) == 0, "as a whole");
                require(memory.get(JAVA_BYTE, 0) == 1, "the other part is as it was");
                require(!neighbour.isReplaced(), "another window");
                memory.set(JAVA_BYTE, 4 * PAGE - 1, (byte) 4);
                require(Files.size(path.resolveSibling("second")) == PAGE, "the file is not touched");
            }
        }

        private static Descriptor file(Path path, int length) throws IOException {
            Files.write(path, new byte[length]);
            return Opened.readWrite(path);
        }

        private static void elsewhere(Path path, Mapping unguarded) throws IOException {
            truncate(path, 0);
            try {
                long value = unguarded.segment().get(JAVA_LONG, 0);
                throw new IllegalStateException("read " + value);
            } catch (InternalError _) {
                require(!unguarded.isReplaced(), "not guarded");
            }
        }

        private static void places(Path path) throws IOException {
            for (int round = 0; round < 3; round++) {
                List<Mapping> all = new ArrayList<>();
                for (int i = 0; i < SigbusGuard.PLACES; i++) {
                    all.add(place(path, PAGE));
                }
                Mapping beyond = place(path, PAGE);
                truncate(path, 0);
                all.getLast().segment().set(JAVA_BYTE, 0, (byte) 1);
                require(all.getLast().isReplaced() && !all.getFirst().isReplaced(), "the last one");
                try {
                    beyond.segment().set(JAVA_BYTE, 0, (byte) 1);
                    LONG.getVolatile(OWN, 0L);
                    require(false, "beyond the table");
                } catch (InternalError _) {
                    require(!beyond.isReplaced(), "not guarded");
                }
                beyond.close();
                all.forEach(Mapping::close);
            }
        }

        private static void require(boolean holds, String what) {
            if (!holds) {
                throw new IllegalStateException(what);
            }
        }
    }
}
