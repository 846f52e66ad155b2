package io.vhost.os;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.os.FileSystem.Kind;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/** What can be sealed, and what file system a file is on. */
class FileSealsTest {
    private static final long PAGE = 4096;

    @Test
    void aSealedFileIsNotShortenedButExtendedAndWritten() {
        try (Descriptor file = SealableFile.create("seal", 2 * PAGE);
                Mapping mapping = Mapping.reserve(2 * PAGE)) {
            assertTrue(SealableFile.resize(file, PAGE) && SealableFile.resize(file, 2 * PAGE));
            assertTrue(FileSeals.sealAgainstShrinking(file));
            assertFalse(SealableFile.resize(file, 2 * PAGE - 1));
            assertTrue(SealableFile.resize(file, 3 * PAGE));
            mapping.place(0, file, 0, PAGE);
            mapping.segment().fill((byte) 1);
            assertTrue(FileSeals.sealAgainstShrinking(file), "once more");
        }
    }

    @Test
    void theFilesThatWeShareAreSealedFromTheirBeginning() {
        try (Descriptor file = MemFd.createSealed("seal", PAGE)) {
            assertFalse(SealableFile.resize(file, 0));
            assertEquals(PAGE, file.size());
        }
    }

    @Test
    void otherFilesCannotBeSealed() throws Exception {
        Path shared = Files.createTempFile(Path.of("/dev/shm"), "seal", "");
        try (Descriptor plain = MemFd.create("seal", PAGE);
                Descriptor tmpfs = Opened.readWrite(shared);
                Descriptor event = EventFd.create().descriptor();
                Descriptor proc = Opened.readOnly(Path.of("/proc/self/status"))) {
            assertFalse(FileSeals.sealAgainstShrinking(plain));
            assertFalse(FileSeals.sealAgainstShrinking(tmpfs));
            assertFalse(FileSeals.sealAgainstShrinking(event));
            assertFalse(FileSeals.sealAgainstShrinking(proc));
            assertEquals("tmpfs (0x1021994)", FileSystem.of(plain).toString());
            assertEquals(Kind.MEMORY, FileSystem.of(tmpfs).kind());
            assertEquals(Kind.ELSEWHERE, FileSystem.of(event).kind());
            assertEquals("unknown (0x9fa0)", FileSystem.of(proc).toString());
        } finally {
            Files.delete(shared);
        }
    }

    @Test
    void hugePagesAreMemory() {
        Assumptions.assumeTrue(Proc.freeHugePages() > 0, "no huge pages");
        try (Descriptor file = MemFd.createHuge("seal", 2 << 20, 2 << 20)) {
            assertEquals("hugetlbfs (0x958458f6)", FileSystem.of(file).toString());
            assertEquals(Kind.MEMORY, FileSystem.of(file).kind());
        }
    }

    @Test
    void onlyMemoryAndKnownDisksAreTrusted() {
        assertEquals(Kind.DISK, new FileSystem(0xEF53).kind());
        assertEquals(Kind.DISK, new FileSystem(0x9123683EL).kind());
        for (long magic : new long[] {0x65735546, 0x6969, 0xFF534D42L, 0x01021997, 0x794C7630, 0, 1}) {
            assertEquals(Kind.ELSEWHERE, new FileSystem(magic).kind());
        }
        assertEquals("fuse (0x65735546)", new FileSystem(0x65735546).toString());
        assertEquals("cifs (0xff534d42)", new FileSystem(0xFF534D42L).toString());
    }
}
