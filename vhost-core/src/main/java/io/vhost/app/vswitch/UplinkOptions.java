package io.vhost.app.vswitch;

import io.vhost.device.Feature;
import io.vhost.driver.DriverConfig;
import io.vhost.driver.DriverPort;
import java.io.IOException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import picocli.CommandLine.Option;

/** Ports that lead to other switches. Thread: the command's. */
final class UplinkOptions {
    private static final int RING = 256;
    /** Both rings may be full, while a burst is copied either way. */
    private static final int PACKETS = 2 * RING + 2 * LearningSwitch.BURST;
    /** A back-end that is silent for longer is tried again; the end waits as long for one, too. */
    private static final Duration TIMEOUT = Duration.ofSeconds(3);

    @Option(names = "--uplink", paramLabel = "PATH[,PATH...]", hideParamSyntax = true, split = ",",
            description = "A port that is the driver of a vhost-user back-end which listens here, such as"
                    + " Open vSwitch with a dpdkvhostuser port; it comes back whenever that does.")
    private List<Path> paths = List.of();

    @Option(names = "--uplink-listen", paramLabel = "PATH[,PATH...]", hideParamSyntax = true, split = ",",
            description = "The same for a back-end that connects to us, such as Open vSwitch with a"
                    + " dpdkvhostuserclient port: listen for it here.")
    private List<Path> listening = List.of();

    /** Sockets of all uplinks, those first that are connected to. */
    List<Path> all() {
        return Stream.concat(paths.stream(), listening.stream()).toList();
    }

    /** Adds the uplinks to a switch. */
    void open(Switch ethernet, Set<PosixFilePermission> permissions, Feature... without) throws IOException {
        DriverConfig config = config().without(without);
        for (Path path : paths) {
            SwitchMember _ = ethernet.addUplink(path.toString(), config,
                    (asked, listener) -> DriverPort.connect(path, asked, listener));
        }
        for (Path path : listening) {
            SwitchMember _ = ethernet.addUplink(path.toString(), config,
                    (asked, listener) -> DriverPort.listen(path, permissions, asked, listener));
        }
    }

    /** One pair of queues, and packets that are as large as the switch's. */
    static DriverConfig config() {
        return DriverConfig.defaults().withSegmentation().withQueues(1, RING)
                .withPackets(PACKETS, Switch.BUFFER, Integer.MAX_VALUE).withTimeout(TIMEOUT);
    }
}
