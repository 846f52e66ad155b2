package io.vhost.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.vhost.os.Opened;
import io.vhost.peer.MainProcess;
import io.vhost.peer.Program;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What only processes show: a truncated log ends none, and none takes another's marks away. */
@Tag("slow")
class DirtyLogProcessTest {
    private static final int SIZE = 4096;
    private static final int PAGES = SIZE * Byte.SIZE;

    @TempDir
    private Path directory;

    private static List<List<String>> compilers() {
        return MainProcess.compilers();
    }

    /** An atomic instruction of the interpreter, and some of compiled code, die of SIGBUS in the VM here. */
    @ParameterizedTest
    @MethodSource("compilers")
    void aLogThatIsTruncatedWhilePagesAreMarkedEndsNoProcess(List<String> compiler) throws IOException {
        Path log = log();
        try (Program marker = MainProcess.start(compiler, Truncated.class, log.toString())) {
            assertEquals(0, marker.exitStatus(), marker::output);
        }
    }

    /** A back-end of another process marks other pages in the same words. */
    @Test
    void marksOfTwoProcessesInOneWordAreBothKept() throws IOException {
        Path log = log();
        try (Program even = MainProcess.start(List.of(), EverySecond.class, log.toString(), "0");
                Program odd = MainProcess.start(List.of(), EverySecond.class, log.toString(), "1")) {
            for (Program program : List.of(even, odd)) {
                program.await("ready");
            }
            even.send("go");
            odd.send("go");
            assertEquals(0, even.exitStatus(), even::output);
            assertEquals(0, odd.exitStatus(), odd::output);
        }
    }

    private Path log() throws IOException {
        return Files.write(directory.resolve("log"), new byte[SIZE]);
    }

    private static DirtyLog map(String path) throws MemoryTableException {
        return DirtyLog.map(Opened.readWrite(Path.of(path)), 0, SIZE);
    }

    /** Marks pages of a log whose file another thread truncates and extends. */
    static final class Truncated {
        private static final int ROUNDS = 20_000;
        private static final int ERRORS = 100;
        private static volatile boolean done;

        private Truncated() {}

        /** The error of compiled code may arrive in a caller, so this has no other work than to catch it. */
        public static void main(String[] words) throws Exception {
            DirtyLog log = map(words[0]);
            Thread peer = Thread.ofPlatform().start(() -> truncate(words[0]));
            int errors = 0;
            for (int round = 0; round < ROUNDS || errors < ERRORS; round++) {
                try {
                    log.mark((long) (round % PAGES) * DirtyLog.PAGE, 1);
                } catch (InternalError e) {
                    errors++;
                }
            }
            done = true;
            peer.join();
        }

        private static void truncate(String path) {
            try (RandomAccessFile file = new RandomAccessFile(path, "rw")) {
                while (!done) {
                    file.setLength(0);
                    file.setLength(SIZE);
                }
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    /** Marks every second page of a log, and looks that all these marks stay. */
    static final class EverySecond {
        private static final ValueLayout.OfLong WORD =
                ValueLayout.JAVA_LONG.withOrder(ByteOrder.LITTLE_ENDIAN);

        private EverySecond() {}

        public static void main(String[] words) throws Exception {
            int first = Integer.parseInt(words[1]);
            DirtyLog log = map(words[0]);
            try (FileChannel file = FileChannel.open(Path.of(words[0]), StandardOpenOption.READ)) {
                System.out.println("ready");
                if (System.in.read() < 0) {
                    throw new IllegalStateException("nobody says go");
                }
                for (int page = first; page < PAGES; page += 2) {
                    log.mark((long) page * DirtyLog.PAGE, 1);
                }
                MemorySegment bits = MemorySegment.ofBuffer(file.map(FileChannel.MapMode.READ_ONLY, 0, SIZE));
                for (int page = first; page < PAGES; page += 2) {
                    long word = bits.get(WORD, page / Long.SIZE * (long) Long.BYTES);
                    if ((word >>> page & 1) == 0) {
                        throw new IllegalStateException("the mark of page " + page + " is gone");
                    }
                }
            }
        }
    }
}
