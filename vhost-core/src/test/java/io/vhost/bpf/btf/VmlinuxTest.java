package io.vhost.bpf.btf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.bpf.Clang;
import io.vhost.bpf.btf.check.BtfValidator;
import io.vhost.peer.Peers;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The running kernel's own types: the largest blob there is. */
@Tag("peer")
class VmlinuxTest {
    private static final int ROUNDS = 15;

    @Test
    void theKernelsTypesAreReadAndFound() throws Exception {
        Btf btf = host();
        int id = btf.find(BtfKind.STRUCT, "task_struct");
        assertEquals("task_struct", btf.name(id));
        assertTrue(btf.type(id) instanceof BtfType.Composite task && task.members().size() > 50);
        for (int named = 1; named < btf.typeCount(); named += 97) {
            if (!btf.name(named).isEmpty() && btf.kind(named) != BtfKind.UNKNOWN) {
                int found = btf.find(btf.kind(named), btf.name(named));
                assertTrue(found > 0 && found <= named && btf.name(found).equals(btf.name(named)));
            }
        }
    }

    @Test
    void theKernelsTypesPassTheValidatorThatTheyMustPass() throws Exception {
        byte[] blob = Files.readAllBytes(path());
        assertEquals("", BtfValidator.standard().check(blob));
    }

    @Test
    void theKernelsTypesAreListedAsBpftoolListsThem() throws Exception {
        Peers.require("bpftool");
        assertEquals(Clang.run("bpftool", "btf", "dump", "file", path().toString(), "format", "raw"),
                BtfDump.all(host()));
    }

    /** Prints figures and bounds nothing: how long a machine takes is no property of the code. */
    @Test
    void readingAndIndexingIsMeasured() throws Exception {
        byte[] blob = Files.readAllBytes(path());
        long best = Long.MAX_VALUE;
        long bestIndex = Long.MAX_VALUE;
        long bestLookup = Long.MAX_VALUE;
        Btf btf = null;
        for (int i = 0; i < ROUNDS; i++) {
            long start = System.nanoTime();
            btf = Btf.parse(blob);
            long parsed = System.nanoTime();
            assertTrue(btf.find(BtfKind.STRUCT, "xdp_md") > 0);
            long indexed = System.nanoTime();
            assertTrue(btf.find(BtfKind.STRUCT, "__sk_buff") > 0);
            long found = System.nanoTime();
            best = Math.min(best, parsed - start);
            bestIndex = Math.min(bestIndex, indexed - parsed);
            bestLookup = Math.min(bestLookup, found - indexed);
        }
        System.out.printf("vmlinux BTF: %d bytes, %d types; parsed in %.1f ms, indexed in %.1f ms, "
                + "lookup %.1f us%n", blob.length, btf.typeCount() - 1, best / 1e6, bestIndex / 1e6,
                bestLookup / 1e3);
    }

    private static Path path() {
        if (!Files.isReadable(Btf.HOST)) {
            Peers.missing("this kernel does not show its types in " + Btf.HOST);
        }
        return Btf.HOST;
    }

    private static Btf host() throws Exception {
        return Btf.read(path());
    }
}
