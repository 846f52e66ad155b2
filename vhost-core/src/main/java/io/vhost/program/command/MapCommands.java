package io.vhost.program.command;

import io.vhost.monitor.command.Command;
import io.vhost.monitor.command.CommandException;
import io.vhost.monitor.command.Type;
import io.vhost.monitor.command.Type.Member;
import io.vhost.program.ProgramMap;
import io.vhost.program.ProgramRegistry;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Commands that show and change maps. Keys and values are as {@link ProgramMap} has them. */
final class MapCommands {
    private static final Type ENTRY =
            Type.object(Member.of("key", Type.ANY), Member.of("values", Type.array(Type.ANY)));
    private static final Type MAP = Type.object(
            Member.of("name", Type.STRING), Member.of("type", Type.STRING),
            Member.of("max-entries", Type.UINT64), Member.of("entries", Type.array(ENTRY)),
            Member.of("more", Type.BOOLEAN));
    private static final int ENTRIES = 1000;
    private static final int MOST_ENTRIES = 100_000;
    /** Of keys and values: as trees and as text they take some 50 times the room. */
    private static final long MOST_BYTES = 1 << 20;

    private MapCommands() {}

    static Command dump(ProgramRegistry registry) {
        return Command.named("x-bpf-map-dump").help("show the entries of a map, 1000 unless told otherwise")
                .argument("map", Type.STRING).optional("limit", Type.UINT32).returns(MAP)
                .runs(arguments -> {
                    long limit = arguments.has("limit") ? arguments.integer("limit") : ENTRIES;
                    ProgramMap map = find(registry, arguments.text("map"));
                    // Rings have neither keys nor values.
                    long fits = Math.clamp(MOST_BYTES / Math.max(1, map.entryBytes()), 1, MOST_ENTRIES);
                    return dump(map, (int) Math.min(limit, fits));
                });
    }

    private static ProgramMap find(ProgramRegistry registry, String name) throws CommandException {
        try {
            return registry.map(name);
        } catch (IllegalArgumentException e) {
            throw new CommandException(e.getMessage());
        }
    }

    private static Map<String, Object> dump(ProgramMap map, int limit) {
        // One more tells whether there are more.
        List<ProgramMap.Entry> entries = map.entries(limit + 1);
        List<Map<String, Object>> shown = new ArrayList<>();
        for (ProgramMap.Entry entry : entries.subList(0, Math.min(limit, entries.size()))) {
            Map<String, Object> one = new LinkedHashMap<>();
            one.put("key", entry.key());
            one.put("values", entry.values());
            shown.add(one);
        }
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("name", map.name());
        result.put("type", map.type());
        result.put("max-entries", map.maxEntries());
        result.put("entries", shown);
        result.put("more", entries.size() > limit);
        return result;
    }

    static Command update(ProgramRegistry registry) {
        return Command.named("x-bpf-map-update").help("set the value of a key in a map")
                .argument("map", Type.STRING).argument("key", Type.ANY).argument("value", Type.ANY)
                .mutating().runs(arguments -> Refusals.refusing(() ->
                        registry.map(arguments.text("map"))
                                .put(arguments.any("key"), arguments.any("value"))));
    }

    static Command delete(ProgramRegistry registry) {
        return Command.named("x-bpf-map-delete").help("remove a key from a map")
                .argument("map", Type.STRING).argument("key", Type.ANY)
                .mutating().runs(arguments -> Refusals.refusing(() -> {
                    if (!registry.map(arguments.text("map")).remove(arguments.any("key"))) {
                        throw new IllegalArgumentException("no key " + arguments.any("key"));
                    }
                }));
    }
}
