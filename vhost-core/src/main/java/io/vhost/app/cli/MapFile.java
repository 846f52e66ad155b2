package io.vhost.app.cli;

import io.vhost.monitor.json.JsonException;
import io.vhost.monitor.json.JsonReader;
import io.vhost.program.ProgramMap;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Contents of a map in a JSON file. Thread: stateless. */
final class MapFile {
    private static final int MOST_BYTES = 64 << 20;
    private static final int MOST_WORDS = 16 << 20;
    private static final int DEPTH = 64;

    private MapFile() {}

    /**
     * Puts what a file says into a map.
     *
     * @throws IOException if the file cannot be read
     * @throws IllegalArgumentException if it is no such file, or does not match the map
     * @throws IllegalStateException if the map has no room
     */
    static void read(Path file, ProgramMap map) throws IOException {
        switch (parse(file)) {
            case Map<?, ?> values -> values.forEach((key, value) -> map.put(key((String) key), value));
            case List<?> entries -> {
                for (Object entry : entries) {
                    if (!(entry instanceof Map<?, ?> pair) || !pair.containsKey("key")
                            || !pair.containsKey("value")) {
                        throw new IllegalArgumentException(entry + " is no {\"key\": K, \"value\": V}");
                    }
                    map.put(pair.get("key"), pair.get("value"));
                }
            }
            case null, default -> throw new IllegalArgumentException("neither a list nor an object");
        }
    }

    /** JSON has texts alone for names: those of numbers stand for numbers. */
    private static Object key(String text) {
        return text.matches("-?\\d{1,18}|0x[0-9a-fA-F]{1,15}") ? (Object) Long.decode(decimal(text)) : text;
    }

    /** A leading 0 makes no octal number here. */
    private static String decimal(String text) {
        return text.startsWith("0x") ? text : text.replaceFirst("^(-?)0+(?=\\d)", "$1");
    }

    private static Object parse(Path file) throws IOException {
        byte[] contents;
        try (InputStream stream = Files.newInputStream(file)) {
            // A pipe does not say how much there is, nor does a device.
            contents = stream.readNBytes(MOST_BYTES + 1);
        }
        if (contents.length > MOST_BYTES) {
            throw new IllegalArgumentException("larger than " + MOST_BYTES + " bytes");
        }
        List<Object> found = new ArrayList<>();
        List<JsonException> faults = new ArrayList<>();
        JsonReader reader = new JsonReader(new JsonReader.Limits(MOST_BYTES, MOST_WORDS, DEPTH),
                (value, fault) -> {
                    if (fault == null) {
                        found.add(value);
                    } else {
                        faults.add(fault);
                    }
                });
        for (byte octet : contents) {
            reader.accept(octet & 0xFF);
        }
        // What does not end is no message.
        reader.accept('\n');
        if (!faults.isEmpty()) {
            throw new IllegalArgumentException("no JSON: " + faults.getFirst().getMessage());
        }
        if (found.size() != 1) {
            throw new IllegalArgumentException(found.size() + " values, or brackets that are not closed;"
                    + " write one list or one object");
        }
        return found.getFirst();
    }
}
