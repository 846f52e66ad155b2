package io.vhost.app.demo;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.Rounds;
import io.vhost.app.CommandRun;
import io.vhost.app.cli.CommandContext;
import io.vhost.app.cli.EndSignal;
import io.vhost.app.vswitch.Link;
import io.vhost.os.Descriptor;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

class DemoCommandTest {
    private static final Duration PATIENCE = Duration.ofSeconds(1);
    private static final int PACKETS = Rounds.of("demo.packets", 3000);

    @ParameterizedTest
    @ValueSource(strings = {
        "",
        "--size 60",
        "--size 1514",
        "--size 9014",
        "--ring-size 2",
        "--ring-size 1024",
        "--without mrg_rxbuf",
        "--without in_order",
        "--without event_idx",
        "--without mrg_rxbuf,in_order,event_idx,indirect_desc",
        "--without version_1",
        "--without version_1,mrg_rxbuf",
        "--transmit-mode chained",
        "--transmit-mode chained --without in_order",
        "--transmit-mode indirect",
        "--receive-buffer 128",
        "--async",
        "--async --dma inline",
        "--async --dma worker",
        "--async --dma worker --size 60 --ring-size 2",
        "--async --dma worker --size 9014 --receive-buffer 600",
        "--async --dma inline --receive-buffer 128 --without in_order,event_idx",
        "--async --dma worker --without version_1,mrg_rxbuf --transmit-mode chained",
        "--receive-buffer 128 --without in_order,event_idx",
        "--size 9014 --receive-buffer 600"
    })
    void nothingIsLost(String words) {
        CommandRun run = CommandRun.of(("--packets " + PACKETS + " " + words).trim().split(" "));
        assertEquals(0, run.status(), run::toString);
        assertEquals("", run.err());
        assertTrue(
                run.out().endsWith("Every packet arrived, in order and unchanged.\n"), run.out());
        assertTrue(run.out().matches("(?s).*\nboth +%,d .*".formatted(2 * PACKETS)), run.out());
        int[] faults = faults(run);
        assertEquals(0, faults[0] + faults[1] + faults[2] + faults[3], run.out());
    }

    @Test
    void theFeaturesThatWereLeftOutAreNotUsed() {
        assertTrue(CommandRun.of("demo", "--packets", "10").out().contains(" in_order"));
        assertFalse(
                CommandRun.of("demo", "--packets", "10", "--without", "VIRTIO_F_IN_ORDER")
                        .out()
                        .contains(" in_order"));
    }

    @Test
    void progressIsShownEverySecond() {
        CommandRun run = CommandRun.of("--seconds", "2");
        assertEquals(0, run.status(), run::toString);
        Pattern line = Pattern.compile(" +\\d+ s  a->b .* Mpps .* verified, \\d+ in flight, 0 bad");
        assertTrue(run.out().lines().anyMatch(line.asMatchPredicate()), run.out());
    }

    @Test
    void theEndSignalEndsItEarlyAndNothingIsLost() {
        EndSignal end = new EndSignal();
        end.raise();
        CommandRun run = CommandRun.of(end, "demo", "--seconds", "3600");
        assertEquals(0, run.status(), run::toString);
    }

    @Test
    void nothingIsLeftBehind() {
        CommandRun.of("demo", "--packets", "10");
        int before = Descriptor.openDescriptors();
        CommandRun.of("demo", "--packets", "10");
        assertEquals(before, Descriptor.openDescriptors());
        assertTrue(
                Thread.getAllStackTraces().keySet().stream()
                        .noneMatch(thread -> thread.getName().startsWith("demo")));
    }

    @ParameterizedTest
    @EnumSource(FaultyLink.Fault.class)
    void aFaultIsSeen(FaultyLink.Fault fault) {
        CommandRun run =
                demo(link -> new FaultyLink(link, fault), PATIENCE, "--packets", "2000");
        assertEquals(1, run.status(), run::toString);
        assertTrue(run.out().contains("FAILED"), run.out());
        int[] faults = faults(run);
        switch (fault) {
            case LOSE -> assertTrue(faults[0] > 0, run.out());
            case REFUSE -> assertTrue(faults[0] > 0 && faults[0] == faults[1], run.out());
            case SWAP, REPEAT -> assertTrue(faults[2] > 0, run.out());
            case CORRUPT_DATA, CORRUPT_ADDRESS, CORRUPT_NUMBER, CORRUPT_TIME, SHORTEN ->
                    assertTrue(faults[3] > 0, run.out());
            case SWALLOW_ALL ->
                    assertTrue(run.out().contains("nothing has moved for 1 s"), run.out());
        }
    }

    /** Runs the demo with something between the guests and the switch. */
    private static CommandRun demo(UnaryOperator<Link> wiring, Duration patience, String... words) {
        StringWriter out = new StringWriter();
        CommandContext context = new CommandContext(new PrintWriter(out, true), false, new EndSignal());
        int status = new CommandLine(new DemoCommand(context, wiring, patience)).execute(words);
        return new CommandRun(status, out.toString(), "");
    }

    /** Lost, dropped, disordered, corrupted packets as the closing table has them. */
    private static int[] faults(CommandRun run) {
        String[] cells =
                run.out()
                        .lines()
                        .filter(line -> line.startsWith("both "))
                        .findFirst()
                        .orElseThrow()
                        .split(" +");
        return new int[] {Integer.parseInt(cells[4]), Integer.parseInt(cells[5]), Integer.parseInt(cells[6]),
            Integer.parseInt(cells[7])};
    }
}
