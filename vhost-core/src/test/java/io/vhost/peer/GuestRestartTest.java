package io.vhost.peer;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Guests that go on while the switch, the other guest, or QEMU ends and comes again. */
@Tag("peer")
class GuestRestartTest {
    private static final int TIMES = "full".equals(System.getProperty("guests")) ? 10 : 3;

    private static final String PACKED = "packed=on";

    @TempDir
    private Path directory;
    private Path socketA;
    private Path socketB;

    @BeforeEach
    void needs() {
        LinuxGuest.require();
        socketA = directory.resolve("a.sock");
        socketB = directory.resolve("b.sock");
    }

    private SwitchProcess ethernet(String... more) {
        return SwitchProcess.start(options(more));
    }

    private String[] options(String... more) {
        List<String> options = new ArrayList<>(List.of("--socket-path", socketA + "," + socketB));
        options.addAll(List.of(more));
        return options.toArray(String[]::new);
    }

    /** QEMU is there before the sockets at first, and the sockets before QEMU later. */
    @Test
    void aRunningPingGoesOnWhateverElseStartsAgain() {
        try (LinuxGuest a = LinuxGuest.start(socketA, 1, "");
                LinuxGuest b = LinuxGuest.start(socketB, 2, "")) {
            SwitchProcess ethernet = ethernet();
            try {
                a.awaitBoot();
                b.awaitBoot();
                a.beginPing(LinuxGuest.address(2));
                a.awaitPingGoesOn();
                for (int i = 0; i < TIMES; i++) {
                    ethernet.close();
                    assertTrue(Files.exists(socketA), "a killed process leaves its socket file behind");
                    ethernet = ethernet();
                    a.awaitPingGoesOn();
                }
                String refused = SwitchProcess.refusal(List.of(), options());
                assertTrue(refused.contains("a live process listens there"), refused);
                a.awaitPingGoesOn();
                restart(b, a, "");
            } finally {
                ethernet.close();
            }
        }
    }

    /** Reboots a guest, and then kills it and starts another, while the first one pings it. */
    private void restart(LinuxGuest b, LinuxGuest a, String card) {
        for (int i = 0; i < TIMES; i++) {
            b.send("reboot -f");
            b.awaitBoot();
            a.awaitPingGoesOn();
        }
        b.kill();
        try (LinuxGuest again = LinuxGuest.start(socketB, 2, card)) {
            again.awaitBoot();
            a.awaitPingGoesOn();
        }
    }

    @Test
    void aPingOverPackedRingsGoesOnWhenTheOtherGuestStartsAgain() {
        try (SwitchProcess _ = ethernet();
                LinuxGuest a = LinuxGuest.start(socketA, 1, PACKED);
                LinuxGuest b = LinuxGuest.start(socketB, 2, PACKED)) {
            a.awaitBoot();
            b.awaitBoot();
            a.beginPing(LinuxGuest.address(2));
            a.awaitPingGoesOn();
            restart(b, a, PACKED);
        }
    }

    /**
     * Where a packed ring has come to, only the back-end knows: after the switch was killed QEMU sends
     * the place where the ring began, and packets flow again when the guest's driver begins anew.
     */
    @Test
    void packedRingsGoOnAfterAKilledSwitchWhenTheirDriversBeginAnew() {
        try (LinuxGuest a = LinuxGuest.start(socketA, 1, PACKED);
                LinuxGuest b = LinuxGuest.start(socketB, 2, PACKED)) {
            SwitchProcess ethernet = ethernet();
            try {
                a.awaitBoot();
                b.awaitBoot();
                assertTrue(a.hasPackedRings() && b.hasPackedRings());
                a.awaitPing(LinuxGuest.address(2));
                ethernet.close();
                ethernet = ethernet();
                a.restartDriver();
                b.restartDriver();
                a.awaitPing(LinuxGuest.address(2));
                b.awaitPing(LinuxGuest.address(1));
            } finally {
                ethernet.close();
            }
        }
    }

    /** The guest cannot be told to do without what it has negotiated. */
    @Test
    void aGuestWhoseFeaturesAreNoLongerOfferedStaysUnconnectedAndOthersGoOn() {
        Path socketC = directory.resolve("c.sock");
        try (LinuxGuest a = LinuxGuest.start(socketA, 1, "");
                LinuxGuest b = LinuxGuest.start(socketB, 2, "mrg_rxbuf=off");
                LinuxGuest c = LinuxGuest.start(socketC, 3, "mrg_rxbuf=off")) {
            SwitchProcess ethernet = ethernet("--socket-path", socketC.toString());
            try {
                for (LinuxGuest guest : List.of(a, b, c)) {
                    guest.awaitBoot();
                }
                a.awaitPing(LinuxGuest.address(2));
                ethernet.close();
                ethernet = ethernet("--socket-path", socketC.toString(), "--without", "mrg_rxbuf");
                a.await("lacks feature mask");
                ethernet.await("the front-end went without accepting features");
                b.awaitPing(LinuxGuest.address(3));
                a.run("! ping -c 2 -W 1 " + LinuxGuest.address(2));
                ethernet.await("port 0 (nobody connected)");
                ethernet.close();
                ethernet = ethernet("--socket-path", socketC.toString());
                a.awaitPing(LinuxGuest.address(2));
            } finally {
                ethernet.close();
            }
        }
    }
}
