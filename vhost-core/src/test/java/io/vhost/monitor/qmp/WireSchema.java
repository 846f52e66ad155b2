package io.vhost.monitor.qmp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The answer of {@code query-qmp-schema} as a client reads it: knows nothing but what is written there. */
final class WireSchema {
    private final Map<String, Map<?, ?>> entries = new HashMap<>();

    WireSchema(List<?> answer) {
        answer.forEach(entry -> entries.put((String) ((Map<?, ?>) entry).get("name"), (Map<?, ?>) entry));
    }

    Map<?, ?> command(String name) {
        assertEquals("command", entries.get(name).get("meta-type"), name);
        return entries.get(name);
    }

    /** Fails unless a value is of the type of this name. */
    void check(String type, Object value) {
        Map<?, ?> entry = entries.get(type);
        assertNotNull(entry, () -> "type " + type);
        switch ((String) entry.get("meta-type")) {
            case "builtin" -> builtIn((String) entry.get("json-type"), value);
            case "enum" -> assertTrue(((List<?>) entry.get("values")).contains(value),
                    () -> value + " among " + entry);
            case "array" -> {
                for (Object element : assertInstanceOf(List.class, value)) {
                    check((String) entry.get("element-type"), element);
                }
            }
            case "object" -> object(entry, assertInstanceOf(Map.class, value));
            default -> throw new AssertionError(entry + " is no type");
        }
    }

    private void object(Map<?, ?> entry, Map<?, ?> value) {
        List<Object> unknown = new ArrayList<>(value.keySet());
        for (Object one : (List<?>) entry.get("members")) {
            Map<?, ?> member = (Map<?, ?>) one;
            String name = (String) member.get("name");
            assertTrue(value.containsKey(name) || member.containsKey("default"),
                    () -> value + " has no " + name);
            if (value.containsKey(name)) {
                unknown.remove(name);
                check((String) member.get("type"), value.get(name));
            }
        }
        assertEquals(List.of(), unknown, () -> "members of " + value + " that are not described");
    }

    private static void builtIn(String json, Object value) {
        switch (json) {
            case "string" -> assertInstanceOf(String.class, value);
            case "boolean" -> assertInstanceOf(Boolean.class, value);
            case "int" -> assertTrue(value instanceof Number && !(value instanceof Double),
                    () -> value + " is no integer");
            case "value" -> { }
            default -> throw new AssertionError("unknown json-type " + json);
        }
    }
}
