package io.vhost.bpf.btf.check;

import io.vhost.bpf.btf.BtfException;
import io.vhost.bpf.btf.BtfKind;
import io.vhost.bpf.btf.Errno;
import io.vhost.bpf.btf.raw.BtfRaw;

/**
 * Writes what the kernel's BTF log says, line by line: a line about a type, a struct member, or a variable of
 * a section.
 *
 * <p>Without tracing only the lines that lead to the error are written, so that a valid blob costs no text at
 * all. Each piece is cut after 1023 bytes, as the kernel's formatting buffer cuts it, and only the tail of
 * the whole is kept: a hostile blob cannot make the log grow.
 */
final class BtfLog {
    private static final int PIECE = 1023;
    private static final int KEPT = 1 << 20;

    private final BtfRaw raw;
    private final boolean trace;
    private final StringBuilder text;
    private boolean resolving;
    private int current = 1;

    BtfLog(BtfRaw raw, StringBuilder text, boolean trace) {
        this.raw = raw;
        this.text = text;
        this.trace = trace;
    }

    /** From here on a line about a member is preceded by a line about its struct. */
    void resolving() {
        resolving = true;
    }

    /** Names the type that the next lines and errors are about. */
    void current(int id) {
        current = id;
    }

    int current() {
        return current;
    }

    boolean traces() {
        return trace;
    }

    void trace(int offset) {
        if (trace) {
            typeLine(raw.wordAt(offset + 4), offset, true, "");
        }
    }

    void traceMember(int offset, int member) {
        if (trace) {
            memberLine(offset, member, raw.wordAt(offset + BtfRaw.RECORD + 12 * member + 4), "");
        }
    }

    void traceVariable(int offset, int variable) {
        if (trace) {
            variableLine(offset, variable, "");
        }
    }

    /** A trace line of its own making; only to be called when tracing. */
    void traceText(String line) {
        append(line);
    }

    /** An error whose line names the type and its details. */
    BtfException type(int offset, String error) {
        return type(Errno.EINVAL, offset, error);
    }

    BtfException type(Errno errno, int offset, String error) {
        typeLine(raw.wordAt(offset + 4), offset, true, error);
        return fail(errno, offset, error);
    }

    /** An error whose line names the type only, because its details cannot be trusted. */
    BtfException basic(int offset, String error) {
        typeLine(raw.wordAt(offset + 4), offset, false, error);
        return fail(Errno.EINVAL, offset, error);
    }

    BtfException member(int offset, int member, String error) {
        return member(offset, member, raw.wordAt(offset + BtfRaw.RECORD + 12 * member + 4), error);
    }

    /** An error about a member that is shown with the type that its own type comes down to. */
    BtfException member(int offset, int member, int typeId, String error) {
        if (resolving) {
            typeLine(raw.wordAt(offset + 4), offset, true, "");
        }
        memberLine(offset, member, typeId, error);
        return fail(Errno.EINVAL, offset + BtfRaw.RECORD + 12 * member, error);
    }

    BtfException variable(int offset, int variable, String error) {
        if (resolving) {
            typeLine(raw.wordAt(offset + 4), offset, true, "");
        }
        variableLine(offset, variable, error);
        return fail(Errno.EINVAL, offset + BtfRaw.RECORD + 12 * variable, error);
    }

    /** An error whose line is {@code line} alone. */
    BtfException plain(Errno errno, int offset, String line) {
        append(line);
        return fail(errno, offset, line.strip());
    }

    private BtfException fail(Errno errno, int offset, String error) {
        return new BtfException(errno, offset, current, error, text.toString());
    }

    private void typeLine(int info, int offset, boolean details, String error) {
        BtfKind kind = BtfKind.of(raw.kindOf(info));
        append("[" + current + "] " + kind + " " + name(raw.wordAt(offset)) + (details ? " " : ""));
        if (details) {
            details(kind, info, offset);
        }
        append(error.isEmpty() ? "\n" : " " + error + "\n");
    }

    private void details(BtfKind kind, int info, int offset) {
        String third = Integer.toUnsignedString(raw.wordAt(offset + 8));
        switch (kind) {
            case INT -> {
                int data = raw.wordAt(offset + 12);
                append("size=" + third + " bits_offset=" + (data >>> 16 & 0xFF) + " nr_bits=" + (data & 0xFF)
                        + " encoding=" + encoding(data >>> 24 & 0xF));
            }
            case ARRAY -> append("type_id=" + word(offset, 0) + " index_type_id=" + word(offset, 1)
                    + " nr_elems=" + word(offset, 2));
            case STRUCT, UNION, ENUM, ENUM64, DATASEC -> append("size=" + third + " vlen="
                    + raw.vlenOf(info));
            case FWD -> append(info < 0 ? "union" : "struct");
            case FLOAT -> append("size=" + third);
            case VAR -> append("type_id=" + third + " linkage=" + word(offset, 0));
            case DECL_TAG -> append("type=" + third + " component_idx=" + raw.wordAt(offset + BtfRaw.RECORD));
            case FUNC_PROTO -> arguments(info, offset, third);
            default -> append("type_id=" + third);
        }
    }

    private void arguments(int info, int offset, String returned) {
        int count = raw.vlenOf(info);
        append("return=" + returned + " args=(");
        if (count == 0) {
            append("void");
        } else if (count == 1 && raw.wordAt(offset + 16) == 0) {
            append("vararg");
        }
        for (int i = 0; i < count; i++) {
            int at = offset + BtfRaw.RECORD + 8 * i;
            boolean vararg = raw.wordAt(at + 4) == 0 && i == count - 1;
            if (!vararg) {
                append((i > 0 ? ", " : "") + Integer.toUnsignedString(raw.wordAt(at + 4)) + " "
                        + name(raw.wordAt(at)));
            } else if (i > 0) {
                append(", vararg");
            }
        }
        append(")");
    }

    private void memberLine(int offset, int member, int typeId, String error) {
        int info = raw.wordAt(offset + 4);
        int at = offset + BtfRaw.RECORD + 12 * member;
        int place = raw.wordAt(at + 8);
        String head = "\t" + name(raw.wordAt(at)) + " type_id=" + Integer.toUnsignedString(typeId);
        append(info < 0
                ? head + " bitfield_size=" + (place >>> 24) + " bits_offset=" + (place & 0xFFFFFF)
                : head + " bits_offset=" + Integer.toUnsignedString(place));
        append(error.isEmpty() ? "\n" : " " + error + "\n");
    }

    private void variableLine(int offset, int variable, String error) {
        append("\t type_id=" + word(offset, 3 * variable) + " offset=" + word(offset, 3 * variable + 1)
                + " size=" + word(offset, 3 * variable + 2));
        append(error.isEmpty() ? "\n" : " " + error + "\n");
    }

    private String word(int offset, int index) {
        return Integer.toUnsignedString(raw.wordAt(offset + BtfRaw.RECORD + 4 * index));
    }

    String name(int nameOffset) {
        if (nameOffset == 0) {
            return "(anon)";
        }
        return raw.nameExists(nameOffset) ? raw.latin1(nameOffset, PIECE) : "(invalid-name-offset)";
    }

    private void append(String piece) {
        text.append(piece, 0, Math.min(piece.length(), PIECE));
        if (text.length() > 2 * KEPT) {
            text.delete(0, text.length() - KEPT);
        }
    }

    private static String encoding(int encoding) {
        return switch (encoding) {
            case 0 -> "(none)";
            case 1 -> "SIGNED";
            case 2 -> "CHAR";
            case 4 -> "BOOL";
            default -> "UNKN";
        };
    }
}
