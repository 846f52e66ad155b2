package io.vhost.bpf.btf;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.vhost.bpf.Kernel;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("peer")
class BtfKernelTest {
    @Test
    void explore() {
        try (Kernel kernel = Kernel.open()) {
            int bad = 0;
            java.util.Map<String, Integer> seen = new java.util.TreeMap<>();
            for (long seed = 0; seed < Integer.getInteger("n", 2000) && bad < 12; seed++) {
                byte[] blob = new BtfGenerator(seed).next();
                Kernel.Answer answer = kernel.loadBtf(blob);
                String log;
                int errno = 0;
                try {
                    log = BtfValidator.standard().tracing().check(blob);
                    seen.merge("OK", 1, Integer::sum);
                } catch (BtfException e) {
                    log = e.log();
                    errno = e.errno().number();
                    seen.merge(e.text().replaceAll("[0-9a-f]*[0-9]+", "#"), 1, Integer::sum);
                }
                if (errno != answer.errno() || !log.equals(answer.log())) {
                    bad++;
                    System.out.println("SEED " + seed + " ours " + errno + " kernel " + answer.errno());
                    System.out.println("--ours\n" + log + "\n--kernel\n" + answer.log());
                }
            }
            seen.forEach((k, v) -> System.out.println(v + "\t" + k));
            assertEquals(0, bad);
        }
    }
}
