package io.vhost.monitor;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.vhost.peer.Peers;
import io.vhost.peer.Program;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The npm package qemu-qmp: it takes its first bytes for one greeting, and ends with an error if they are
 * not.
 */
@Tag("peer")
@Timeout(120)
class NpmClientTest {
    private static final Path MODULES = Path.of("target", "peers", "node_modules");
    private static final String SCRIPT = """
            const QMP = require('qemu-qmp');
            const client = new QMP();
            client.connect(process.argv[1], function(error) {
              if (error) throw error;
              client.execute('query-version', function(error, version) {
                if (error) throw error;
                client.execute('no-such', function(error) {
                  console.log(version.package + ', ' + error.message);
                  client.end();
                });
              });
            });
            """;

    @TempDir
    private Path directory;

    @Test
    void aClientAsItIsTakesOurGreetingAnswersAndErrors() {
        Peers.require("node");
        Peers.requireFile(MODULES.resolve("qemu-qmp"),
                "npm install --prefix vhost-core/target/peers qemu-qmp");
        Path socket = directory.resolve("m");
        try (Monitor _ = new Monitor(socket, MonitorConfig.Builder::exclusive)) {
            for (int i = 0; i < 3; i++) {
                try (Program node = Program.start(List.of("env", "NODE_PATH=" + MODULES.toAbsolutePath(),
                        "node", "--no-deprecation", "-e", SCRIPT, socket.toString()))) {
                    assertEquals(0, node.exitStatus(), node::output);
                    node.await("vhost " + Version.text() + ", The command no-such has not been found");
                }
            }
        }
    }
}
