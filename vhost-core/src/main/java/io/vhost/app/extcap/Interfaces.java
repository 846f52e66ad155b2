package io.vhost.app.extcap;

import io.vhost.capture.CaptureOptions;
import io.vhost.monitor.MonitorClient;
import io.vhost.monitor.command.CommandException;
import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What Wireshark is told of: one interface whose monitor and port its user names, and one for each port of
 * the monitors that are known. Thread: one.
 */
final class Interfaces {
    /** The interface whose options name the monitor. */
    static final String ANY = "vhost";

    /** Short, since Wireshark makes file names of them: the monitor's place in the list, and the port. */
    private static final Pattern PORT = Pattern.compile("vhost-(\\d{1,6})-(\\d{1,9})");

    private final List<Path> monitors;

    /** Those of monitors whose paths have colons between. */
    Interfaces(String monitors) {
        this.monitors = Arrays.stream(monitors.split(File.pathSeparator))
                .filter(path -> !path.isBlank()).map(Path::of).toList();
    }

    /** A port of a running program. */
    record Port(Path monitor, int number) {}

    /** Lists all. A program that does not run has no ports. */
    void list(PrintWriter out) {
        out.println("interface {value=" + ANY + "}{display=vhost port}");
        for (int i = 0; i < monitors.size(); i++) {
            for (Map.Entry<Object, Object> port : ports(monitors.get(i)).entrySet()) {
                out.println("interface {value=vhost-" + i + "-" + port.getKey() + "}{display=vhost port "
                        + port.getKey() + ": " + plain(port.getValue()) + "}");
            }
        }
    }

    /** Names of ports by their numbers. */
    private static Map<Object, Object> ports(Path monitor) {
        Map<Object, Object> ports = new LinkedHashMap<>();
        try (MonitorClient client = MonitorClient.connect(monitor)) {
            Map<?, ?> answer = (Map<?, ?>) client.call("x-query-capture", Map.of());
            for (Object each : (List<?>) answer.get("ports")) {
                Map<?, ?> port = (Map<?, ?>) each;
                ports.put(port.get("port"), port.get("port-name"));
            }
        } catch (IOException | CommandException _) {
            // The list is of those that can be recorded now.
        }
        return ports;
    }

    /** A text without what ends a value of a sentence. */
    private static String plain(Object text) {
        return String.valueOf(text).replaceAll("[{}\\p{Cntrl}]", "_");
    }

    /** The port that an interface is; empty: its user names one. */
    Optional<Port> find(String name) throws IOException {
        Matcher parts = PORT.matcher(name);
        if (name.equals(ANY)) {
            return Optional.empty();
        }
        if (!parts.matches() || Integer.parseInt(parts.group(1)) >= monitors.size()) {
            throw new IOException("there is no interface " + name);
        }
        return Optional.of(new Port(
                monitors.get(Integer.parseInt(parts.group(1))), Integer.parseInt(parts.group(2))));
    }

    /** Lists the options of one. */
    void options(String name, PrintWriter out) throws IOException {
        int number = 0;
        if (find(name).isEmpty()) {
            out.println("arg {number=0}{call=--monitor}{display=Monitor}{tooltip=The path that the program"
                    + " has after --monitor}{type=string}{required=true}");
            out.println("arg {number=1}{call=--port}{display=Port}{tooltip=Counted from 0}{type=unsigned}"
                    + "{range=0,65535}{default=0}");
            number = 2;
        }
        out.println("arg {number=" + number + "}{call=--direction}{display=Direction}{type=selector}");
        out.println("value {arg=" + number + "}{value=both}{display=Both}{default=true}");
        out.println("value {arg=" + number + "}{value=in}{display=From the guest}{default=false}");
        out.println("value {arg=" + number + "}{value=out}{display=To the guest}{default=false}");
        out.println("arg {number=" + (number + 1) + "}{call=--snaplen}{display=Bytes of each packet}"
                + "{type=unsigned}{range=1," + CaptureOptions.SNAP_LENGTH + "}{default="
                + CaptureOptions.SNAP_LENGTH + "}");
        out.println("arg {number=" + (number + 2) + "}{call=--filter}{display=eBPF filter}{tooltip=An object"
                + " with one XDP program; what it lets pass is recorded}{type=string}");
        out.println("arg {number=" + (number + 3) + "}{call=--passed}{display=Behind programs}"
                + "{type=boolflag}{default=false}");
    }
}
