package io.vhost.peer;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * A small Linux in QEMU, without KVM, whose only network card is behind a vhost-user socket. It is driven
 * through its serial console. One thread.
 */
public final class LinuxGuest implements AutoCloseable {
    private static final Path DIRECTORY = Path.of("target", "guest");
    private static final Duration BOOT = Duration.ofMinutes(3);
    private static final Duration FIRST_BOOT = Duration.ofSeconds(60);
    private static final int BOOT_ATTEMPTS = 3;
    private static final Duration PATIENCE = Duration.ofMinutes(3);
    private static boolean built;

    private final int number;
    private final List<String> command;
    private Program qemu;
    private boolean booted;

    private LinuxGuest(int number, List<String> command) {
        this.number = number;
        this.command = command;
        this.qemu = Program.start(command);
    }

    /** What the test needs; skips it otherwise. */
    public static void require() {
        Peers.require("qemu-system-x86_64", "cpio", "busybox", "bash");
        if (!Files.isDirectory(Path.of("/lib/modules")) || !Files.isDirectory(Path.of("/boot"))) {
            Peers.require("a Linux kernel below /boot with its modules");
        }
    }

    /**
     * Starts a guest; {@link #awaitBoot} waits for it.
     *
     * @param socket where the back-end listens
     * @param number 1 to 250: its address is 10.77.0.number
     * @param card further properties of the network card, such as {@code mrg_rxbuf=off}, or nothing
     * @param more further words for QEMU
     */
    public static LinuxGuest start(Path socket, int number, String card, String... more) {
        return start(socket, number, card, 1, more);
    }

    /** The same with several queue pairs, and as many processors. */
    public static LinuxGuest start(Path socket, int number, String card, int pairs, String... more) {
        build();
        List<String> command = new ArrayList<>(List.of(
                "qemu-system-x86_64", "-machine", "q35,accel=tcg", "-cpu", "max", "-m", "192",
                "-smp", Integer.toString(pairs), "-display", "none", "-nodefaults", "-serial", "stdio",
                "-object", "memory-backend-memfd,id=mem,size=192M,share=on", "-numa", "node,memdev=mem",
                "-chardev", "socket,id=c0,path=" + socket + ",reconnect=1",
                "-netdev", "vhost-user,id=n0,chardev=c0,queues=" + pairs,
                // Without MSI-X: QEMU 7.2 loses its way there when vhost-user runs without KVM.
                "-device", "virtio-net-pci,netdev=n0,romfile=,vectors=0,mac=" + mac(number)
                        + (card.isEmpty() ? "" : "," + card),
                "-kernel", DIRECTORY.resolve("vmlinuz").toString(),
                "-initrd", DIRECTORY.resolve("initrd.gz").toString(),
                // On a machine with more to do than it can,
                // the kernel does not find its timer in time, and gives up.
                "-append", "console=ttyS0 quiet no_timer_check panic=-1 address=" + address(number)));
        command.addAll(List.of(more));
        return new LinuxGuest(number, command);
    }

    private static synchronized void build() {
        if (!built) {
            Path scripts = Path.of("src", "test", "resources", "guest");
            try (Program build = Program.start(List.of("bash", scripts.resolve("build").toString(),
                    DIRECTORY.toString(), scripts.resolve("init").toString()))) {
                assertEquals(0, build.exitStatus(), build::output);
            }
            built = true;
        }
    }

    /** The address of a guest. */
    public static String address(int number) {
        return "10.77.0." + number;
    }

    private static String mac(int number) {
        return "52:54:00:77:00:%02x".formatted(number);
    }

    /**
     * Waits until the guest's network card is up; after a reboot too. Under software emulation a kernel now
     * and then stops before it has looked at any device: the first time it is started again, twice at most.
     */
    public void awaitBoot() {
        for (int attempt = 1; !booted && attempt < BOOT_ATTEMPTS; attempt++) {
            try {
                qemu.await("GUEST UP", FIRST_BOOT);
                booted = true;
                return;
            } catch (IllegalStateException e) {
                qemu.close();
                qemu = Program.start(command);
            }
        }
        qemu.await("GUEST UP", BOOT);
        booted = true;
    }

    /** Sends a line to the guest's shell. */
    public void send(String line) {
        qemu.send(line);
    }

    /** Waits for text on the console; returns what came before it. */
    public String await(String text) {
        return qemu.await(text, PATIENCE);
    }

    /** Runs a command in the guest, which must succeed; its output. */
    public String run(String command) {
        qemu.send(command + "; echo \"status\"=$?.");
        String output = qemu.await("status=", PATIENCE);
        String status = qemu.await(".", PATIENCE);
        assertEquals("0", status, () -> command + "\n" + output);
        return output;
    }

    /** Whether its network card's driver has negotiated packed rings, feature 34. */
    public boolean hasPackedRings() {
        return run("echo packed=$(cut -c 35 /sys/bus/virtio/devices/virtio0/features)").contains("packed=1");
    }

    /** Has the network card's driver begin anew, as after a boot. */
    public void restartDriver() {
        String driver = "/sys/bus/virtio/drivers/virtio_net/";
        run("echo virtio0 > " + driver + "unbind; echo virtio0 > " + driver + "bind;"
                + " until [ -e /sys/class/net/eth0 ]; do sleep 0.1; done;"
                + " ip addr add " + address(number) + "/24 dev eth0; ip link set eth0 up");
    }

    /** Pings until an answer comes. */
    public void awaitPing(String address) {
        run("until ping -c 1 -W 1 " + address + " > /dev/null; do :; done");
    }

    /** Begins to ping, five times a second, for as long as the guest runs. */
    public void beginPing(String address) {
        qemu.send("ping -i 0.2 " + address + " > /tmp/ping &");
    }

    /** Waits until three answers more have come to what {@link #beginPing} began. */
    public void awaitPingGoesOn() {
        run("n=$(grep -c seq= /tmp/ping); until [ $(grep -c seq= /tmp/ping) -ge $((n+3)) ]; do sleep 0.2;"
                + " done");
    }

    /** Begins to receive: {@link #received} tells the digest. */
    public void receive(int port) {
        qemu.send("nc -l -p " + port + " | md5sum; echo \"sum\"=end.");
    }

    /** Waits for the end of what {@link #receive} receives; its digest. */
    public String received() {
        return digest(qemu.await("sum=end.", PATIENCE));
    }

    /** Makes a file of random bytes; its digest. */
    public String makeFile(int mebibytes) {
        return digest(run("dd if=/dev/urandom of=/tmp/file bs=1M count=" + mebibytes
                + " 2> /dev/null; md5sum /tmp/file"));
    }

    /** Sends that file. */
    public void sendFile(String address, int port) {
        run("until nc " + address + " " + port + " < /tmp/file; do :; done");
    }

    /** The 32 hexadecimal digits in a text. */
    private static String digest(String text) {
        for (String word : text.split("\\s+")) {
            if (word.matches("[0-9a-f]{32}")) {
                return word;
            }
        }
        throw new IllegalStateException("no digest in: " + text);
    }

    /** The file of the guest's memory; what it has at address 0 is at offset 0. */
    public Path memory() throws IOException {
        try (Stream<Path> open = Files.list(Path.of("/proc", Long.toString(qemu.pid()), "fd"))) {
            for (Path path : open.toList()) {
                if (Files.readSymbolicLink(path).toString().contains("memory-backend-memfd")) {
                    return path;
                }
            }
        }
        throw new IllegalStateException("QEMU has no such file");
    }

    /** Everything that the guest and QEMU have said. */
    public String output() {
        return qemu.output();
    }

    /** Kills QEMU. */
    public void kill() {
        qemu.close();
    }

    @Override
    public void close() {
        kill();
    }
}
