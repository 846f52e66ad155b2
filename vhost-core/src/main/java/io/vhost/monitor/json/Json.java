package io.vhost.monitor.json;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.StreamWriteConstraints;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.util.LinkedHashMap;
import java.util.Map;

/** Writes values as JSON in one line of ASCII. Threads: any. */
public final class Json {
    private static final JsonFactory FACTORY =
            JsonFactory.builder()
                    .enable(JsonWriteFeature.ESCAPE_NON_ASCII)
                    .streamWriteConstraints(StreamWriteConstraints.builder().maxNestingDepth(4096).build())
                    .build();
    private static final JsonEscapes ESCAPES = new JsonEscapes();
    /** Up to here every integer is a double, and shorter as an integer. */
    private static final double EXACT = 1L << 53;

    private Json() {}

    /** The text of a value. Anything that JSON has no type for is written as its string. */
    public static String write(Object value) {
        StringWriter text = new StringWriter();
        try (JsonGenerator generator = FACTORY.createGenerator(text)) {
            generator.setCharacterEscapes(ESCAPES);
            write(generator, value);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return text.toString();
    }

    /** An object with members in this order: names and values by turns. A value of null is a member, too. */
    public static Map<String, Object> object(Object... namesAndValues) {
        Map<String, Object> members = new LinkedHashMap<>();
        for (int i = 0; i < namesAndValues.length; i += 2) {
            members.put((String) namesAndValues[i], namesAndValues[i + 1]);
        }
        return members;
    }

    /** The number that a long means without its sign. */
    public static Number unsigned(long value) {
        return value >= 0 ? value : new BigInteger(Long.toUnsignedString(value));
    }

    private static void write(JsonGenerator generator, Object value) throws IOException {
        switch (value) {
            case null -> generator.writeNull();
            case Map<?, ?> members -> {
                generator.writeStartObject();
                for (Map.Entry<?, ?> member : members.entrySet()) {
                    generator.writeFieldName(String.valueOf(member.getKey()));
                    write(generator, member.getValue());
                }
                generator.writeEndObject();
            }
            case Iterable<?> elements -> {
                generator.writeStartArray();
                for (Object element : elements) {
                    write(generator, element);
                }
                generator.writeEndArray();
            }
            case Boolean truth -> generator.writeBoolean(truth);
            case BigInteger number -> generator.writeNumber(number);
            case Double number -> writeReal(generator, number);
            case Float number -> writeReal(generator, number);
            case Number number -> generator.writeNumber(number.longValue());
            default -> generator.writeString(value.toString());
        }
    }

    private static void writeReal(JsonGenerator generator, double number) throws IOException {
        if (!Double.isFinite(number)) {
            generator.writeNull();
        } else if (number == Math.rint(number) && Math.abs(number) <= EXACT) {
            generator.writeNumber((long) number);
        } else {
            generator.writeNumber(number);
        }
    }
}
