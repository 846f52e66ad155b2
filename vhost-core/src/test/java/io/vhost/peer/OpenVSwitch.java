package io.vhost.peer;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * Open vSwitch with DPDK, with a database, sockets, logs and a network namespace of its own, so that one of
 * the system's is left alone. One bridge, {@value #BRIDGE}, whose interface has an address in the namespace.
 * One thread.
 */
public final class OpenVSwitch implements AutoCloseable {
    /** The bridge, and its interface within the namespace. */
    public static final String BRIDGE = "br0";

    private static final Path DAEMON = Path.of("/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk");
    private static final Path SCHEMA = Path.of("/usr/share/openvswitch/vswitch.ovsschema");
    private static final int MEBIBYTES = 256;
    private static final Duration START = Duration.ofSeconds(60);

    private final Path directory;
    private final Path socket;
    private final String namespace;
    private final String address;
    private Program database;
    private Program daemon;

    private OpenVSwitch(Path directory, String namespace, String address) {
        this.directory = directory;
        this.socket = directory.resolve("db.sock");
        this.namespace = namespace;
        this.address = address;
    }

    /** Needs Open vSwitch with DPDK, huge pages, and network namespaces. */
    public static void require() {
        Peers.require("ovsdb-server", "ovsdb-tool", "ovs-vsctl", "ip", "socat", "ping");
        Peers.requireFile(DAEMON, "install Debian's openvswitch-switch-dpdk");
        Peers.requireTap();
        Peers.requireHugePages(MEBIBYTES);
    }

    /**
     * Starts one.
     *
     * @param directory for all its files
     * @param namespace name of a network namespace that exists
     * @param address of the bridge's interface, with the length of its prefix
     */
    public static OpenVSwitch start(Path directory, String namespace, String address) {
        OpenVSwitch started = new OpenVSwitch(directory, namespace, address);
        boolean complete = false;
        try {
            started.run("ovsdb-tool", "create", directory.resolve("db").toString(), SCHEMA.toString());
            started.database = Program.start(started.command("ovsdb-server",
                    directory.resolve("db").toString(), "--remote=punix:" + started.socket, "-vconsole:warn",
                    "--unixctl=" + directory.resolve("db.ctl"), "--pidfile=" + directory.resolve("db.pid")));
            MainProcess.awaitListening(started.socket);
            started.set("--no-wait", "init");
            started.set("--no-wait", "set", "Open_vSwitch", ".", "other_config:dpdk-init=true",
                    "other_config:dpdk-socket-mem=" + MEBIBYTES, "other_config:pmd-cpu-mask=0x1",
                    "other_config:pmd-maxsleep=100",
                    "other_config:dpdk-extra=--no-pci --in-memory --single-file-segments");
            started.startDaemon();
            complete = true;
            return started;
        } finally {
            if (!complete) {
                started.close();
            }
        }
    }

    private void startDaemon() {
        daemon = Program.start(command(DAEMON.toString(), "unix:" + socket, "-vconsole:info", "-vsyslog:off",
                "--unixctl=" + directory.resolve("vswitchd.ctl"),
                "--pidfile=" + directory.resolve("vswitchd.pid")));
        daemon.await("DPDK Enabled - initialized", START);
        set("--may-exist", "add-br", BRIDGE, "--", "set", "bridge", BRIDGE, "datapath_type=netdev");
        ip("addr", "replace", address, "dev", BRIDGE);
        ip("link", "set", BRIDGE, "up");
    }

    private List<String> command(String... words) {
        List<String> command = new ArrayList<>(List.of("ip", "netns", "exec", namespace, "env",
                "OVS_RUNDIR=" + directory, "OVS_LOGDIR=" + directory, "OVS_DBDIR=" + directory,
                "OVS_SYSCONFDIR=" + directory));
        command.addAll(List.of(words));
        return command;
    }

    private void run(String... words) {
        try (Program program = Program.start(command(words))) {
            assertEquals(0, program.exitStatus(), () -> String.join(" ", words) + "\n" + program.output()
                    + (daemon == null ? "" : daemon.output()));
        }
    }

    /** Carries out words of {@code ip} in the namespace. */
    private void ip(String... words) {
        List<String> all = new ArrayList<>(List.of("ip"));
        all.addAll(List.of(words));
        run(all.toArray(String[]::new));
    }

    /** Carries out {@code ovs-vsctl}, and waits until the daemon has done what it says. */
    public void set(String... words) {
        List<String> all = new ArrayList<>(List.of("ovs-vsctl", "--timeout=50", "--db=unix:" + socket));
        all.addAll(List.of(words));
        run(all.toArray(String[]::new));
    }

    /** Adds a port to the bridge. */
    public void addPort(String name, String... interfaceSettings) {
        List<String> all = new ArrayList<>(
                List.of("add-port", BRIDGE, name, "--", "set", "Interface", name));
        all.addAll(List.of(interfaceSettings));
        set(all.toArray(String[]::new));
    }

    /** An interface in the namespace that is in a VLAN of the bridge. */
    public void addVlan(String name, int vlan, String itsAddress) {
        set("add-port", BRIDGE, name, "tag=" + vlan, "--", "set", "Interface", name, "type=internal");
        ip("addr", "replace", itsAddress, "dev", name);
        ip("link", "set", name, "up");
    }

    /** Path of a socket of this switch's own. */
    public Path socket(String name) {
        return directory.resolve(name);
    }

    /** SIGKILL, and a new daemon on the same database; sockets that the old one has left are removed. */
    public void killAndRestart(Path... left) throws IOException {
        daemon.close();
        for (Path file : left) {
            Files.deleteIfExists(file);
        }
        startDaemon();
    }

    /** What the daemon has said. */
    public String output() {
        return daemon.output();
    }

    /** SIGKILL; nothing of it outlives the namespace and the directory. */
    @Override
    public void close() {
        if (daemon != null) {
            daemon.close();
        }
        if (database != null) {
            database.close();
        }
    }
}
