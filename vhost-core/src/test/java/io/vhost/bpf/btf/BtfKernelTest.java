package io.vhost.bpf.btf;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.vhost.bpf.Kernel;
import io.vhost.bpf.btf.check.BtfValidator;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Our verdict, error number and whole log against those of BPF_BTF_LOAD. */
@Tag("peer")
class BtfKernelTest {
    private static final int BLOBS = 20_000;

    private Kernel kernel;

    @BeforeEach
    void open() {
        kernel = Kernel.open();
    }

    @AfterEach
    void close() {
        kernel.close();
    }

    @Test
    void everyFaultIsRefusedAsTheKernelDoes() {
        for (BtfFault fault : BtfFaults.all()) {
            compare(fault.name(), fault.blob());
        }
    }

    @Test
    void generatedBlobsAreJudgedAsTheKernelDoes() {
        long seed = Long.getLong("bpf.seed", System.nanoTime());
        Set<String> texts = new TreeSet<>();
        for (int i = 0; i < BLOBS; i++) {
            texts.add(compare("-Dbpf.seed=" + (seed + i), new BtfGenerator(seed + i).next()));
        }
        System.out.println(BLOBS + " blobs judged as the kernel does, " + texts.size() + " texts, seed "
                + seed);
    }

    @Test
    void theKernelLooksFurtherAtStructsOfSpecialNames() throws BtfException {
        for (BtfDifference difference : BtfDifference.all()) {
            byte[] blob = difference.blob();
            Kernel.Answer answer = kernel.loadBtf(blob);
            assertEquals(difference.errno(), answer.errno(), difference::name);
            assertEquals(BtfValidator.standard().tracing().check(blob), answer.log(), difference::name);
        }
    }

    private String compare(String what, byte[] blob) {
        Kernel.Answer answer = kernel.loadBtf(blob);
        String log;
        int errno = 0;
        String text = "";
        try {
            log = BtfValidator.standard().tracing().check(blob);
        } catch (BtfException e) {
            log = e.log();
            errno = e.errno().number();
            text = e.text().replaceAll("[0-9a-f]*[0-9][0-9a-f]*", "#");
        }
        assertEquals(answer.errno() + "\n" + answer.log(), errno + "\n" + log, what);
        return text;
    }
}
