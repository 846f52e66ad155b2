package io.vhost.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.os.Descriptor;
import io.vhost.os.MemFd;
import io.vhost.os.Opened;
import io.vhost.os.SealableFile;
import io.vhost.state.MemoryBacking;
import io.vhost.state.MemoryRegion;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Which files are accepted as memory, and that those which can be are sealed. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class SharedFileTest {
    private static final long PAGE = 4096;
    private static final MemoryRules SEALED = new MemoryRules(true, false);
    private static final MemoryRules ANY = new MemoryRules(false, true);

    private static GuestMemory map(Descriptor file, long size, MemoryRules rules)
            throws MemoryTableException {
        MemoryRegion region = new MemoryRegion(0, PAGE, size, 0);
        return GuestMemory.map(List.of(region), List.of(file), rules, () -> { });
    }

    private static String refusal(Descriptor file, long size, MemoryRules rules) {
        return assertThrows(MemoryTableException.class, () -> map(file, size, rules)).getMessage();
    }

    @Test
    void whatCanBeSealedIsAndOnlyWhatCannotIsRefusedWhereThatIsRequired() throws MemoryTableException {
        try (Descriptor sealable = SealableFile.create("file", 2 * PAGE);
                Descriptor plain = MemFd.create("file", 2 * PAGE)) {
            String text = refusal(plain, PAGE, SEALED);
            assertTrue(text.startsWith("memory region [guest=0x0 user=0x1000 size=0x1000 offset=0x0] lies in"
                    + " a file that cannot be sealed against truncation (tmpfs "), text);
            assertTrue(text.endsWith("(memory-backend-memfd,share=on)"), text);
            GuestMemory memory = map(sealable, PAGE, SEALED);
            assertEquals(new MemoryBacking(PAGE, true, "tmpfs (0x1021994)", true),
                    memory.backings().getFirst());
            assertFalse(SealableFile.resize(sealable, PAGE));
            memory.release();
            GuestMemory unsealed = map(plain, PAGE, MemoryRules.USUAL);
            assertFalse(unsealed.backings().getFirst().sealed());
            assertTrue(SealableFile.resize(plain, PAGE));
            unsealed.release();
        }
    }

    @Test
    void aFileThatIsTooShortIsNotSealed() {
        try (Descriptor file = SealableFile.create("file", PAGE)) {
            assertTrue(refusal(file, PAGE + 1, MemoryRules.USUAL).endsWith("exceeds its file of 4096 bytes"));
            assertTrue(SealableFile.resize(file, 0));
        }
    }

    @Test
    void aDirtyLogIsSealedToo() throws MemoryTableException {
        try (Descriptor file = SealableFile.create("log", PAGE);
                Descriptor plain = MemFd.create("log", PAGE)) {
            DirtyLog log = DirtyLog.map(file.duplicate(), 0, PAGE, SEALED, () -> { });
            assertFalse(SealableFile.resize(file, 0));
            log.release();
            String text = assertThrows(MemoryTableException.class,
                    () -> DirtyLog.map(plain.duplicate(), 0, PAGE, SEALED, () -> { })).getMessage();
            assertTrue(text.startsWith("dirty log of size=0x1000 at offset=0x0 lies in a file"), text);
        }
    }

    /** Between the look at the length and the seal there is a moment, for a front-end that tries often. */
    @Test
    void aFileThatIsTruncatedMeanwhileIsRefusedOrWhole() throws Exception {
        for (int i = 0; i < 2000; i++) {
            try (Descriptor file = SealableFile.create("race", 2 * PAGE)) {
                CyclicBarrier start = new CyclicBarrier(2);
                Thread frontEnd = Thread.ofPlatform().start(() -> {
                    await(start);
                    SealableFile.resize(file, PAGE);
                });
                await(start);
                try {
                    GuestMemory memory = map(file, 2 * PAGE, SEALED);
                    frontEnd.join();
                    assertEquals(2 * PAGE, file.size(), "mapped");
                    memory.release();
                } catch (MemoryTableException e) {
                    assertTrue(e.getMessage().contains("exceeds its file"), e::getMessage);
                    frontEnd.join();
                }
            }
        }
    }

    private static void await(CyclicBarrier barrier) {
        try {
            barrier.await();
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void aFileWhosePagesMayNeverComeIsRefusedUnlessAllowed() {
        try (Descriptor proc = Opened.readOnly(Path.of("/proc/self/status"))) {
            String text = refusal(proc, PAGE, MemoryRules.USUAL);
            assertTrue(text.contains("lies on file system unknown (0x9fa0), whose pages may never"), text);
            assertTrue(text.endsWith("--allow-any-file)"), text);
            assertTrue(refusal(proc, PAGE, ANY).contains("exceeds its file"));
        }
    }

    @Test
    void aFileOfSharedMemoryIsAcceptedAsItIs() throws Exception {
        Path path = Files.createTempFile(Path.of("/dev/shm"), "shared", "");
        try (Descriptor file = Opened.readWrite(path)) {
            assertTrue(SealableFile.resize(file, PAGE));
            GuestMemory memory = map(file, PAGE, MemoryRules.USUAL);
            assertEquals(new MemoryBacking(PAGE, false, "tmpfs (0x1021994)", true),
                    memory.backings().getFirst());
            memory.release();
            assertTrue(refusal(file, PAGE, SEALED).contains("cannot be sealed"));
        } finally {
            Files.delete(path);
        }
    }
}
