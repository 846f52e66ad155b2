package io.vhost.bpf.view;

import io.vhost.bpf.btf.Btf;
import io.vhost.bpf.btf.BtfType;
import io.vhost.bpf.mem.Bytes;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HexFormat;
import java.util.List;

/** Writes values. What a hostile type could make endless ends after 4,096 parts. Thread: one. */
final class ValueText {
    private static final int MAX_PARTS = 4096;
    private static final int MAX_DEPTH = 32;
    private static final int MAX_BYTES = 256;
    private static final HexFormat HEX = HexFormat.ofDelimiter(" ");

    private final StringBuilder text = new StringBuilder();
    private int parts;

    String of(Part value) {
        append(value, 0);
        return text.toString();
    }

    private void append(Part value, int depth) {
        if (++parts > MAX_PARTS || depth > MAX_DEPTH) {
            text.append("...");
            return;
        }
        Btf btf = value.btf();
        switch (btf.type(btf.strip(value.type()))) {
            case BtfType.Composite _, BtfType.Section _ -> fields(value, depth);
            case BtfType.Array array -> array(value, array, depth);
            case BtfType.Enumeration names -> text.append(name(names, value.number()));
            case BtfType.Int number when isNumber(value) -> text.append(number(value, number));
            case BtfType.Pointer _ when isNumber(value) ->
                    text.append("0x").append(Long.toHexString(value.number()));
            case BtfType.Nothing _ when value.bytes().byteSize() == Integer.BYTES ->
                    text.append(Integer.toUnsignedString((int) value.number()));
            default -> text.append(bytes(value.bytes()));
        }
    }

    private static boolean isNumber(Part value) {
        long size = value.bytes().byteSize();
        return value.isBitField() || size == 1 || size == 2 || size == 4 || size == 8;
    }

    private static String number(Part value, BtfType.Int type) {
        long number = value.number();
        return switch (type.encoding()) {
            case BtfType.Int.BOOL -> number == 0 ? "false" : number == 1 ? "true" : Long.toString(number);
            case BtfType.Int.SIGNED -> Long.toString(number);
            default -> Long.toUnsignedString(number);
        };
    }

    private static String name(BtfType.Enumeration names, long number) {
        return names.values().stream().filter(value -> value.value() == number)
                .map(BtfType.Value::name).findFirst().orElse(Long.toString(number));
    }

    private void fields(Part value, int depth) {
        String separator = "{";
        for (Field field : value.fields()) {
            text.append(separator).append(field.name().isEmpty() ? "" : field.name() + " = ");
            append(value.part(field), depth + 1);
            separator = ", ";
            if (parts > MAX_PARTS) {
                break;
            }
        }
        text.append(separator.equals("{") ? "{}" : "}");
    }

    private void array(Part value, BtfType.Array array, int depth) {
        Btf btf = value.btf();
        if (btf.type(btf.strip(array.element())) instanceof BtfType.Int element
                && element.name().equals("char") && string(value.bytes())) {
            return;
        }
        List<Part> elements = value.elements(array, MAX_BYTES);
        text.append('[');
        for (int i = 0; i < elements.size() && parts <= MAX_PARTS; i++) {
            text.append(i == 0 ? "" : ", ");
            append(elements.get(i), depth + 1);
        }
        text.append(array.count() > elements.size() ? ", ...]" : "]");
    }

    /** Characters up to the first zero, if all of them can be printed and zeros are all that follows. */
    private boolean string(MemorySegment bytes) {
        StringBuilder characters = new StringBuilder();
        boolean ended = false;
        for (long i = 0; i < bytes.byteSize(); i++) {
            byte b = (byte) Bytes.BYTE.get(bytes, i);
            ended |= b == 0;
            if (b != 0 && (ended || b < ' ' || b == '"' || b == '\\' || b > '~')) {
                return false;
            }
            if (b != 0) {
                characters.append((char) b);
            }
        }
        text.append('"').append(characters).append('"');
        return true;
    }

    static String bytes(MemorySegment bytes) {
        long size = Math.min(bytes.byteSize(), MAX_BYTES);
        return HEX.formatHex(bytes.asSlice(0, size).toArray(ValueLayout.JAVA_BYTE))
                + (size < bytes.byteSize() ? " ..." : "");
    }
}
