package io.vhost.os;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OutputFileTest {
    @TempDir
    private Path folder;

    private final MemorySegment bytes = Arena.ofAuto().allocateFrom("0123456789");

    @Test
    void aFileIsEmptiedWrittenAndCut() throws Exception {
        Path path = Files.writeString(folder.resolve("file"), "what was there before");
        int before = Descriptor.openDescriptors();
        try (OutputFile file = OutputFile.open(path, true)) {
            assertEquals(6, file.write(bytes, 2, 6));
            assertEquals("234567", Files.readString(path));
            file.truncate(5);
            assertTrue(file.isRegular() && file.hasReader() && !file.isPipe());
        }
        assertEquals("23456", Files.readString(path));
        assertEquals(before, Descriptor.openDescriptors());
    }

    @Test
    void whatIsThereIsRefusedUnlessItMayBeReplaced() throws Exception {
        Path path = folder.resolve("file");
        OutputFile.open(path, false).close();
        OsException e = assertThrows(OsException.class, () -> OutputFile.open(path, false));
        assertEquals(Errno.EEXIST, e.errno());
        assertEquals(Errno.EISDIR, assertThrows(OsException.class,
                () -> OutputFile.open(folder, true)).errno());
        assertEquals(Errno.ENOENT, assertThrows(OsException.class,
                () -> OutputFile.open(folder.resolve("a/b"), true)).errno());
    }

    /** Somebody who may change names puts a file in a pipe's place, after somebody has looked what it is. */
    @Test
    void aFileThatWasAPipeAMomentAgoIsRefusedToo() throws Exception {
        Path precious = Files.writeString(folder.resolve("precious"), "x");
        Path pipe = folder.resolve("pipe");
        assertEquals(0, new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor());
        Path name = Files.createSymbolicLink(folder.resolve("name"), pipe);
        AtomicBoolean stop = new AtomicBoolean();
        FutureTask<Void> changing = new FutureTask<>(() -> {
            for (boolean isPipe = false; !stop.get(); isPipe = !isPipe) {
                Path other = Files.createSymbolicLink(folder.resolve("other"), isPipe ? pipe : precious);
                Files.move(other, name, StandardCopyOption.ATOMIC_MOVE);
            }
            return null;
        });
        Thread thread = Thread.ofPlatform().start(changing);
        try {
            for (int i = 0; i < 5000; i++) {
                try {
                    assertNull(OutputFile.open(name, false), "a file was opened as a pipe");
                } catch (OsException e) {
                    // The second: it was a pipe without a reader then, and is none now.
                    assertTrue(e.errno() == Errno.EEXIST || e.errno() == Errno.ENXIO, e::getMessage);
                }
            }
        } finally {
            stop.set(true);
            thread.join();
        }
        changing.get();
    }

    @Test
    void aFullDiskIsToldByItsNumber() {
        try (OutputFile file = OutputFile.open(Path.of("/dev/full"), true)) {
            assertEquals(Errno.ENOSPC,
                    assertThrows(OsException.class, () -> file.write(bytes, 0, 1)).errno());
            file.truncate(0);
        }
    }

    @Test
    void aPipeIsNeverWaitedFor() throws Exception {
        Path path = folder.resolve("pipe");
        assertNull(OutputFile.openPipe(path), "there is none");
        assertTrue(Files.notExists(path));
        assertEquals(0, new ProcessBuilder("mkfifo", path.toString()).start().waitFor());
        assertTrue(OutputFile.isPipe(path));
        assertNull(OutputFile.open(path, true), "nobody reads");
        assertNull(OutputFile.openPipe(path), "nobody reads");
        FutureTask<InputStream> reader = new FutureTask<>(() -> Files.newInputStream(path));
        Thread thread = Thread.ofPlatform().start(reader);
        OutputFile file = OutputFile.openPipe(path);
        while (file == null) {
            Thread.onSpinWait();
            file = OutputFile.openPipe(path);
        }
        thread.join();
        try (OutputFile pipe = file) {
            assertTrue(pipe.isPipe() && !pipe.isRegular());
            MemorySegment much = Arena.ofAuto().allocate(1 << 20);
            long written = pipe.write(much, 0, much.byteSize());
            assertTrue(written > 0 && written < much.byteSize());
            assertEquals(0, pipe.write(much, 0, 4096), "it is full");
            assertTrue(pipe.hasReader());
            reader.get().close();
            assertFalse(pipe.hasReader());
            pipe.awaitRoom(60_000);
            assertEquals(Errno.EPIPE,
                    assertThrows(OsException.class, () -> pipe.write(much, 0, 1)).errno());
        }
        assertNull(OutputFile.openPipe(Files.writeString(folder.resolve("file"), "x")), "it is none");
    }
}
