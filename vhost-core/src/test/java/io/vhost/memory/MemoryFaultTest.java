package io.vhost.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.vhost.os.Mapping;
import io.vhost.os.Opened;
import io.vhost.peer.MainProcess;
import io.vhost.peer.Program;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The error of an access arrives in the {@code try} that is around it, whoever compiled the code. */
@Tag("slow")
class MemoryFaultTest {
    @TempDir
    private Path directory;

    private static List<List<String>> compilers() {
        return MainProcess.compilers();
    }

    @ParameterizedTest
    @MethodSource("compilers")
    void theErrorArrivesInTheTryAroundTheAccess(List<String> compiler) {
        try (Program accesses =
                MainProcess.start(compiler, Accesses.class, directory.resolve("file").toString())) {
            assertEquals(0, accesses.exitStatus(), accesses::output);
        }
    }

    /** Accesses of each kind, whose methods are compiled, on a file that is truncated then. */
    static final class Accesses {
        private static final int SIZE = 4096;
        private static final int FORMS = 5;
        private static final int LOST = -1;
        private static final MemorySegment OWN = Arena.global().allocate(SIZE);

        private Accesses() {}

        public static void main(String[] words) throws IOException {
            Path path = Path.of(words[0]);
            for (int form = 0; form < FORMS; form++) {
                Files.write(path, new byte[SIZE]);
                try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw");
                        Mapping window = Mapping.reserve(SIZE)) {
                    window.place(0, Opened.readWrite(path), 0, SIZE);
                    for (int i = 0; i < 100_000; i++) {
                        require(0, access(form, window.segment()), form);
                    }
                    file.setLength(0);
                    for (int i = 0; i < 10; i++) {
                        require(LOST, access(form, window.segment()), form);
                    }
                }
            }
        }

        private static void require(int expected, int result, int form) {
            if (result != expected) {
                throw new IllegalStateException("form " + form + ": " + result);
            }
        }

        private static int access(int form, MemorySegment memory) {
            return switch (form) {
                case 0 -> store(memory);
                case 1 -> copyTo(memory);
                case 2 -> load(memory);
                case 3 -> fill(memory);
                default -> copyFrom(memory);
            };
        }

        private static int store(MemorySegment memory) {
            try {
                memory.set(ValueLayout.JAVA_INT, 0, 1);
                MemoryFault.surface();
                return 0;
            } catch (InternalError _) {
                return LOST;
            }
        }

        private static int copyTo(MemorySegment memory) {
            try {
                MemorySegment.copy(OWN, 0, memory, 0, 100);
                MemoryFault.surface();
                return 0;
            } catch (InternalError _) {
                return LOST;
            }
        }

        private static int load(MemorySegment memory) {
            try {
                OWN.set(ValueLayout.JAVA_SHORT, 0, memory.get(ValueLayout.JAVA_SHORT, 2));
                MemoryFault.surface();
                return 0;
            } catch (InternalError _) {
                return LOST;
            }
        }

        private static int fill(MemorySegment memory) {
            try {
                memory.asSlice(0, 64).fill((byte) 1);
                MemoryFault.surface();
                return 0;
            } catch (InternalError _) {
                return LOST;
            }
        }

        private static int copyFrom(MemorySegment memory) {
            try {
                MemorySegment.copy(memory, 0, OWN, 0, 1500);
                MemoryFault.surface();
                return 0;
            } catch (InternalError _) {
                return LOST;
            }
        }
    }
}
