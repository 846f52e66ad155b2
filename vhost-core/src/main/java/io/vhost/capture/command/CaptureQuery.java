package io.vhost.capture.command;

import io.vhost.capture.Capture;
import io.vhost.capture.CaptureRegistry;
import io.vhost.capture.QueueCapture;
import io.vhost.device.ProgramPlace;
import io.vhost.monitor.command.Command;
import io.vhost.monitor.command.Type;
import io.vhost.monitor.command.Type.Member;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** {@code x-query-capture}: what can be recorded, and what is. */
final class CaptureQuery {
    private static final Type PORT = Type.object(
            Member.of("port", Type.UINT32), Member.of("port-name", Type.STRING),
            Member.of("direction", Type.STRING));
    private static final Type QUEUE = Type.object(
            Member.of("port", Type.UINT32), Member.of("port-name", Type.STRING),
            Member.of("direction", Type.STRING), Member.of("queue-pair", Type.UINT32),
            Member.of("seen", Type.UINT64), Member.of("accepted", Type.UINT64),
            Member.of("dropped", Type.UINT64), Member.of("written", Type.UINT64));
    private static final Type CAPTURE = Type.object(
            Member.of("file", Type.STRING), Member.of("state", Type.STRING),
            Member.optional("failure", Type.STRING), Member.of("files", Type.UINT64),
            Member.of("bytes", Type.UINT64), Member.of("queues", Type.array(QUEUE)));
    private static final Type RESULT = Type.object(
            Member.of("ports", Type.array(PORT)), Member.of("captures", Type.array(CAPTURE)));

    private CaptureQuery() {}

    static Command create(CaptureRegistry registry) {
        return Command.named("x-query-capture").help("show ports that can be recorded, and captures")
                .returns(RESULT).runs(_ -> {
                    Map<String, Object> result = new LinkedHashMap<>();
                    result.put("ports",
                            registry.chains().stream().map(chain -> place(chain.place())).toList());
                    List<Map<String, Object>> captures =
                            registry.captures().stream().map(CaptureQuery::describe).toList();
                    result.put("captures", captures);
                    return result;
                });
    }

    private static Map<String, Object> place(ProgramPlace place) {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("port", place.port() - 1);
        map.put("port-name", place.name());
        map.put("direction", place.isToGuest() ? "out" : "in");
        return map;
    }

    private static Map<String, Object> describe(Capture capture) {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("file", capture.file().toString());
        map.put("state", capture.state().name().toLowerCase(Locale.ROOT));
        capture.failure().ifPresent(text -> map.put("failure", text));
        map.put("files", capture.files());
        map.put("bytes", capture.bytes());
        map.put("queues", capture.counters().stream().map(CaptureQuery::queue).toList());
        return map;
    }

    private static Map<String, Object> queue(QueueCapture queue) {
        Map<String, Object> map = place(queue.place());
        map.put("queue-pair", queue.pair());
        map.put("seen", queue.seen());
        map.put("accepted", queue.accepted());
        map.put("dropped", queue.dropped());
        map.put("written", queue.written());
        return map;
    }
}
