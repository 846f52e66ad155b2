package io.vhost.bpf.btf.core;

import io.vhost.bpf.btf.Btf;
import io.vhost.bpf.btf.BtfType;
import io.vhost.bpf.btf.core.CoreValue.CoreNumber;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The types that a program is told about: those of a kernel, or whatever the application names. Types are
 * found by their names, up to {@code ___}, and kinds; if there are several of one name, all have to give the
 * same answer.
 *
 * <p>Thread: immutable; any thread.
 */
public final class CoreTarget {
    private final Btf btf;
    private final Map<String, List<Integer>> byName = new HashMap<>();

    /** Indexes all types. */
    public CoreTarget(Btf btf) {
        this.btf = btf;
        for (int id = 1; id < btf.typeCount(); id++) {
            String name = btf.name(id);
            if (!name.isEmpty()) {
                byName.computeIfAbsent(CoreNames.essential(name), _ -> new ArrayList<>(1)).add(id);
            }
        }
    }

    /** The types. */
    public Btf btf() {
        return btf;
    }

    /**
     * Answers a relocation.
     *
     * @param own    the program's types
     * @param type   the type that is asked about
     * @param access the path to a field, the number of an enum's value, or 0 for the type itself
     * @throws CoreException if the question makes no sense, or has several answers
     */
    public CoreValue resolve(Btf own, int type, String access, CoreKind kind) throws CoreException {
        if (kind == CoreKind.TYPE_ID_LOCAL) {
            return new CoreValue(true, type, 0, false, new CoreNumber(type, 0));
        }
        if (own.name(type).isEmpty()) {
            throw new CoreException(CoreNames.of(own, type) + " has no name to be found by; give it one");
        }
        Question question = question(own, type, access, kind);
        CoreValue answer = null;
        for (int candidate : byName.getOrDefault(CoreNames.essential(own.name(type)), List.of())) {
            if (!CoreNames.alike(own.kind(type), btf.kind(candidate))) {
                continue;
            }
            CoreValue found = question.answer(candidate);
            if (found == null) {
                continue;
            }
            if (answer != null && !answer.equals(found)) {
                throw new CoreException("several types are called " + CoreNames.of(own, type)
                        + " and differ in what the program asks; name types that have one");
            }
            answer = found;
        }
        return answer == null ? question.nothing() : answer;
    }

    /** A question about one candidate after the other. */
    private interface Question {
        /** The answer, or null if the candidate has none. */
        CoreValue answer(int candidate) throws CoreException;

        /** The answer if no candidate has one. */
        CoreValue nothing() throws CoreException;
    }

    private Question question(Btf own, int type, String access, CoreKind kind) throws CoreException {
        if (kind.isField()) {
            return field(AccessPath.of(own, type, access), kind);
        }
        return kind.isEnumerator() ? enumerator(own, type, access, kind) : type(own, type, kind);
    }

    private static CoreValue absent(CoreKind kind, CoreNumber original) {
        boolean answered = switch (kind) {
            case FIELD_EXISTS, TYPE_EXISTS, TYPE_MATCHES, ENUMVAL_EXISTS -> true;
            default -> false;
        };
        return new CoreValue(answered, 0, 0, false, original);
    }

    private Question field(AccessPath path, CoreKind kind) throws CoreException {
        FieldValue mine = FieldValue.of(path);
        boolean sized = kind == CoreKind.FIELD_BYTE_OFFSET;
        CoreNumber original = new CoreNumber(mine.value(kind, path.btf()),
                sized && !mine.bitField() ? (int) mine.size() : 0);
        return new Question() {
            @Override
            public CoreValue answer(int candidate) throws CoreException {
                AccessPath found = FieldSearch.find(path, btf, candidate);
                if (found == null) {
                    return null;
                }
                FieldValue theirs = FieldValue.of(found);
                boolean signed = mine.isSigned(path.btf()) || theirs.isSigned(btf);
                return new CoreValue(true, theirs.value(kind, btf),
                        sized && !theirs.bitField() ? (int) theirs.size() : 0, signed, original);
            }

            @Override
            public CoreValue nothing() {
                return absent(kind, original);
            }
        };
    }

    private Question type(Btf own, int type, CoreKind kind) throws CoreException {
        CoreNumber original = new CoreNumber(switch (kind) {
            case TYPE_SIZE -> AccessPath.size(own, type);
            case TYPE_ID_TARGET -> type;
            default -> 1;
        }, 0);
        return new Question() {
            @Override
            public CoreValue answer(int candidate) throws CoreException {
                TypeComparison types = new TypeComparison(own, btf);
                boolean there = kind == CoreKind.TYPE_MATCHES ? types.matches(type, candidate)
                        : types.compatible(type, candidate);
                return !there ? null : new CoreValue(true, switch (kind) {
                    case TYPE_SIZE -> AccessPath.size(btf, candidate);
                    case TYPE_ID_TARGET -> candidate;
                    default -> 1;
                }, 0, false, original);
            }

            @Override
            public CoreValue nothing() {
                return absent(kind, original);
            }
        };
    }

    private Question enumerator(Btf own, int type, String access, CoreKind kind) throws CoreException {
        List<Long> numbers = AccessPath.numbers(access);
        if (!(own.type(own.strip(type)) instanceof BtfType.Enumeration names) || numbers.size() != 1
                || numbers.getFirst() >= names.values().size()) {
            throw new CoreException("value " + access + " of " + CoreNames.of(own, type)
                    + " does not exist");
        }
        BtfType.Value wanted = names.values().get(numbers.getFirst().intValue());
        boolean value = kind == CoreKind.ENUMVAL_VALUE;
        CoreNumber original = new CoreNumber(value ? wanted.value() : 1, 0);
        return new Question() {
            @Override
            public CoreValue answer(int candidate) {
                return btf.type(btf.strip(candidate)) instanceof BtfType.Enumeration others
                        ? others.values().stream()
                        .filter(other -> CoreNames.same(other.name(), wanted.name())).findFirst()
                        .map(other -> new CoreValue(true, value ? other.value() : 1, 0, false, original))
                        .orElse(null) : null;
            }

            @Override
            public CoreValue nothing() {
                return absent(kind, original);
            }
        };
    }
}
