package io.vhost.monitor.qmp;

import io.vhost.monitor.command.Command;
import io.vhost.monitor.command.Type;
import io.vhost.monitor.command.Type.Member;
import io.vhost.monitor.json.Json;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Describes commands and events in the form of {@code query-qmp-schema}. Names of types carry no meaning. */
public final class Schema {
    /** The type of an entry: QEMU's variants in one, whose members are there as the meta-type wants them. */
    public static final Type ENTRY = Type.object(
            Member.of("name", Type.STRING),
            Member.of("meta-type", Type.enumeration(
                    "builtin", "enum", "array", "object", "alternate", "command", "event")),
            Member.optional("json-type", Type.enumeration(
                    "string", "number", "int", "boolean", "null", "object", "array", "value")),
            Member.optional("values", Type.array(Type.STRING)),
            Member.optional("element-type", Type.STRING),
            Member.optional("members", Type.array(Type.object(
                    Member.of("name", Type.STRING), Member.optional("type", Type.STRING),
                    Member.optional("default", Type.ANY)))),
            Member.optional("arg-type", Type.STRING),
            Member.optional("ret-type", Type.STRING),
            Member.optional("allow-oob", Type.BOOLEAN),
            Member.optional("features", Type.array(Type.STRING)));

    private final List<Map<String, Object>> entries = new ArrayList<>();
    private final Map<Type, String> names = new HashMap<>();
    private int next;

    private Schema() {}

    /** All that a client may ask for and be told. */
    public static List<Map<String, Object>> of(List<Command> commands, Map<String, Type> events) {
        Schema schema = new Schema();
        schema.name(Type.EMPTY);
        commands.forEach(schema::command);
        events.forEach((name, data) -> schema.entries.add(Json.object(
                "name", name, "meta-type", "event", "arg-type", schema.name(data))));
        return schema.entries;
    }

    private void command(Command command) {
        Map<String, Object> entry = Json.object(
                "name", command.name(), "meta-type", "command",
                "arg-type", name(command.arguments()), "ret-type", name(command.result()));
        if (command.isOutOfBand()) {
            entry.put("allow-oob", true);
        }
        if (command.name().startsWith("x-")) {
            entry.put("features", List.of("unstable"));
        }
        entries.add(entry);
    }

    /** The name under which a type is described, which it is from now on. */
    private String name(Type type) {
        String known = names.get(type);
        if (known != null) {
            return known;
        }
        return switch (type.kind()) {
            case STRING -> builtIn(type, "str", "string");
            case BOOLEAN -> builtIn(type, "bool", "boolean");
            case INTEGER -> builtIn(type, "int", "int");
            case ANY -> builtIn(type, "any", "value");
            case ENUMERATION -> {
                String name = Integer.toString(next++);
                names.put(type, name);
                entries.add(Json.object("name", name, "meta-type", "enum", "values", type.values(),
                        "members", type.values().stream().map(value -> Json.object("name", value)).toList()));
                yield name;
            }
            case ARRAY -> {
                String element = name(type.element());
                String name = "[" + element + "]";
                if (!names.containsValue(name)) {
                    entries.add(Json.object("name", name, "meta-type", "array", "element-type", element));
                }
                names.put(type, name);
                yield name;
            }
            case OBJECT -> object(type);
        };
    }

    private String object(Type type) {
        String name = Integer.toString(next++);
        names.put(type, name);
        List<Map<String, Object>> members = new ArrayList<>();
        for (Member member : type.members()) {
            Map<String, Object> description = new LinkedHashMap<>();
            description.put("name", member.name());
            description.put("type", name(member.type()));
            if (member.isOptional()) {
                description.put("default", null);
            }
            members.add(description);
        }
        entries.add(Json.object("name", name, "meta-type", "object", "members", members));
        return name;
    }

    private String builtIn(Type type, String name, String jsonType) {
        if (!names.containsValue(name)) {
            entries.add(Json.object("name", name, "meta-type", "builtin", "json-type", jsonType));
        }
        names.put(type, name);
        return name;
    }
}
