package io.vhost.program.command;

import io.vhost.device.ProgramChain;
import io.vhost.device.ProgramLink;
import io.vhost.device.Verdict;
import io.vhost.monitor.command.Command;
import io.vhost.monitor.command.Type;
import io.vhost.monitor.command.Type.Member;
import io.vhost.program.ProgramRegistry;
import io.vhost.program.QueueProgram;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** {@code query-bpf}: the programs at their places, with what they have decided. */
final class ProgramQuery {
    private static final Type PROGRAM = Type.object(
            Member.of("name", Type.STRING), Member.of("priority", Type.INT), Member.of("type", Type.STRING),
            Member.of("packets", Type.UINT64),
            Member.of("aborted", Type.UINT64), Member.of("dropped", Type.UINT64),
            Member.of("passed", Type.UINT64), Member.of("transmitted", Type.UINT64),
            Member.of("redirected", Type.UINT64),
            Member.of("compiled", Type.BOOLEAN), Member.optional("interpreted-because", Type.STRING),
            Member.optional("last-abort", Type.STRING), Member.optional("picoseconds", Type.UINT64));
    private static final Type PLACE = Type.object(
            Member.of("port", Type.UINT32), Member.of("port-name", Type.STRING),
            Member.of("direction", Type.STRING), Member.of("programs", Type.array(PROGRAM)),
            Member.of("transmit-failures", Type.UINT64), Member.of("redirect-failures", Type.UINT64),
            Member.of("no-port", Type.UINT64));
    private static final int PICOSECONDS = 1000;

    private ProgramQuery() {}

    static Command create(ProgramRegistry registry) {
        return Command.named("query-bpf").help("show the programs on queues and what they have decided")
                .returns(Type.array(PLACE)).runs(_ -> {
                    List<Map<String, Object>> places = new ArrayList<>();
                    registry.chains().forEach(chain -> places.add(describe(chain)));
                    return places;
                });
    }

    private static Map<String, Object> describe(ProgramChain chain) {
        Map<String, Object> place = new LinkedHashMap<>();
        place.put("port", chain.place().port());
        place.put("port-name", chain.place().name());
        place.put("direction", chain.place().isToGuest() ? "out" : "in");
        place.put("programs", chain.links().stream().map(ProgramQuery::describe).toList());
        place.put("transmit-failures", chain.transmitFailures());
        place.put("redirect-failures", chain.redirectFailures());
        place.put("no-port", chain.noPort());
        return place;
    }

    private static Map<String, Object> describe(ProgramLink link) {
        Optional<QueueProgram> ebpf = ProgramRegistry.ebpf(link);
        Map<String, Object> program = new LinkedHashMap<>();
        program.put("name", link.name());
        program.put("priority", link.priority());
        program.put("type", ebpf.map(code -> code.isClassifier() ? "tc" : "xdp").orElse("java"));
        program.put("packets", link.packets());
        program.put("aborted", link.count(Verdict.ABORTED));
        program.put("dropped", link.count(Verdict.DROP));
        program.put("passed", link.count(Verdict.PASS));
        program.put("transmitted", link.count(Verdict.TX));
        program.put("redirected", link.count(Verdict.REDIRECT));
        Optional<String> why = ebpf.flatMap(QueueProgram::whyInterpreted);
        program.put("compiled", why.isEmpty());
        why.ifPresent(text -> program.put("interpreted-because", text));
        ebpf.flatMap(QueueProgram::lastAbort).ifPresent(text -> program.put("last-abort", text));
        if (link.nanosPerPacket() > 0) {
            program.put("picoseconds", (long) (link.nanosPerPacket() * PICOSECONDS));
        }
        return program;
    }
}
