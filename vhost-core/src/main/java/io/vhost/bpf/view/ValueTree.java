package io.vhost.bpf.view;

import io.vhost.bpf.btf.Btf;
import io.vhost.bpf.btf.BtfType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.math.BigInteger;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Values as trees of what JSON has: a struct is a {@code Map}, an array a {@code List}, a number a
 * {@code Long}, and what has no known type a {@code String} of hexadecimal bytes.
 *
 * <p>To be set, bytes in a row may also be one string: {@code "10.0.0.1"}, {@code "2001:db8::1"},
 * {@code "52:54:00:00:00:01"} or {@code "0a 00 00 01"}, the first byte first; so may a number, whose bytes
 * are then those: how the network writes it. Thread: stateless.
 */
public final class ValueTree {
    private static final int MAX_PARTS = 4096;
    private static final int MAX_DEPTH = 32;
    private static final int MAX_SHOWN = 100;
    private static final int MAC = 6;
    private static final int IPV4 = 4;
    private static final int IPV6 = 16;
    /** Longer is no address, in any form: patterns take quadratic time to say so. */
    private static final int LONGEST_ADDRESS = 45;
    /** Up to here each whole number has a double of its own. */
    private static final double EXACT = 1L << 53;

    private ValueTree() {
    }

    /** A value as a tree. What a hostile type could make endless ends after 4,096 parts. */
    public static Object of(TypedValue value) {
        return tree(value.part(), 0, new int[1]);
    }

    private static Object tree(Part value, int depth, int[] parts) {
        if (++parts[0] > MAX_PARTS || depth > MAX_DEPTH) {
            return "...";
        }
        Btf btf = value.btf();
        BtfType type = btf.type(btf.strip(value.type()));
        if (!value.fields().isEmpty()) {
            Map<String, Object> members = new LinkedHashMap<>();
            for (Field field : value.fields()) {
                members.put(name(field, members.size()), tree(value.part(field), depth + 1, parts));
            }
            return members;
        }
        if (type instanceof BtfType.Array array) {
            List<Object> elements = new ArrayList<>();
            for (Part element : value.elements(array, MAX_PARTS)) {
                elements.add(tree(element, depth + 1, parts));
            }
            return elements;
        }
        return isNumber(value) ? (Object) value.number() : hex(value.bytes());
    }

    private static String name(Field field, int index) {
        return field.name().isEmpty() ? "#" + index : field.name();
    }

    private static boolean isNumber(Part value) {
        long size = value.bytes().byteSize();
        return value.isBitField() || (size <= Long.BYTES && Long.bitCount(size) == 1);
    }

    private static String hex(MemorySegment bytes) {
        return HexFormat.ofDelimiter(" ").formatHex(bytes.toArray(ValueLayout.JAVA_BYTE));
    }

    /**
     * Sets a value from a tree. Members of a struct that the tree does not have stay as they are.
     *
     * @throws IllegalArgumentException if they do not match; the text says where
     */
    public static void set(TypedValue value, Object tree) {
        set(value.part(), tree, "", 0);
    }

    private static void set(Part value, Object tree, String path, int depth) {
        if (depth > MAX_DEPTH) {
            throw new IllegalArgumentException(path + ": more than " + MAX_DEPTH + " levels");
        }
        switch (tree) {
            case Number number when isWhole(number) -> number(value, number.longValue(), path);
            case Boolean truth -> number(value, truth ? 1 : 0, path);
            case String text -> text(value, text, path);
            case Map<?, ?> members -> members.forEach((name, member) -> {
                String place = path.isEmpty() ? String.valueOf(name) : path + "." + name;
                set(member(value, String.valueOf(name), place), member, place, depth + 1);
            });
            case List<?> elements -> elements(value, elements, path, depth);
            case null, default -> throw new IllegalArgumentException(where(path)
                    + shown(String.valueOf(tree)) + " is no value; use a whole number, a string, a list or an"
                    + " object");
        }
    }

    /** Whether 64 bits hold it, with a sign or without, and it is as exact as it looks. */
    private static boolean isWhole(Number number) {
        return switch (number) {
            case Long _, Integer _, Short _, Byte _ -> true;
            case BigInteger big -> big.bitLength() < (big.signum() < 0 ? Long.SIZE : Long.SIZE + 1);
            default -> Math.abs(number.doubleValue()) <= EXACT
                    && number.doubleValue() == Math.rint(number.doubleValue());
        };
    }

    private static Part member(Part value, String name, String path) {
        for (Field field : value.fields()) {
            if (field.name().equals(name)) {
                return value.part(field);
            }
        }
        return value.at(name.isEmpty() ? path : name);
    }

    private static void elements(Part value, List<?> elements, String path, int depth) {
        Btf btf = value.btf();
        if (!(btf.type(btf.strip(value.type())) instanceof BtfType.Array array)
                || elements.size() > array.count()) {
            throw new IllegalArgumentException(where(path) + "a list of " + elements.size()
                    + " for what is no array of that length");
        }
        for (int i = 0; i < elements.size(); i++) {
            set(value.elementAt(array, i), elements.get(i), path + "[" + i + "]", depth + 1);
        }
    }

    private static void number(Part value, long number, String path) {
        try {
            value.set(number);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(where(path) + number + " for " + e.getMessage(), e);
        }
        long held = value.number();
        int unused = value.isBitField() ? 0 : Long.SIZE - (int) value.bytes().byteSize() * Byte.SIZE;
        boolean fits = value.isBitField() ? held == number
                : number << unused >>> unused == number || number << unused >> unused == number;
        if (!fits) {
            throw new IllegalArgumentException(where(path) + number + " does not fit into "
                    + value.bytes().byteSize() + " bytes");
        }
    }

    private static void text(Part value, String text, String path) {
        byte[] bytes = bytes(text, path);
        if (bytes.length != value.bytes().byteSize()) {
            throw new IllegalArgumentException(where(path) + "\"" + shown(text) + "\" are " + bytes.length
                    + " bytes for " + value.bytes().byteSize());
        }
        MemorySegment.copy(bytes, 0, value.bytes(), ValueLayout.JAVA_BYTE, 0, bytes.length);
    }

    private static byte[] bytes(String text, String path) {
        try {
            boolean mayBeAddress = text.length() <= LONGEST_ADDRESS;
            if (mayBeAddress && text.matches("\\d{1,3}(\\.\\d{1,3}){3}")) {
                return InetAddress.ofLiteral(text).getAddress();
            }
            if (mayBeAddress && text.matches("[0-9a-fA-F:.]*:[0-9a-fA-F:.]*") && !isMac(text)) {
                return ipv6(InetAddress.ofLiteral(text).getAddress());
            }
            return HexFormat.of().parseHex(text.replaceAll("[ :]", ""));
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(where(path) + "\"" + shown(text) + "\" is no address and no"
                    + " hexadecimal bytes, as \"0a 00 00 01\"", e);
        }
    }

    /** Java makes four bytes of a mapped address. */
    private static byte[] ipv6(byte[] address) {
        if (address.length != IPV4) {
            return address;
        }
        byte[] mapped = new byte[IPV6];
        mapped[10] = (byte) 0xFF;
        mapped[11] = (byte) 0xFF;
        System.arraycopy(address, 0, mapped, IPV6 - IPV4, IPV4);
        return mapped;
    }

    private static String shown(String text) {
        return text.length() <= MAX_SHOWN ? text : text.substring(0, MAX_SHOWN) + "...";
    }

    private static boolean isMac(String text) {
        return text.matches("[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){" + (MAC - 1) + "}");
    }

    private static String where(String path) {
        return path.isEmpty() ? "" : path + ": ";
    }
}
