package io.vhost.bpf.context;

import java.util.List;
import java.util.Optional;

/**
 * What the name of a program's section says about the program, by libbpf's conventions: {@code SEC("xdp")},
 * {@code SEC("tc")}, {@code SEC("fentry/vfs_read")}.
 *
 * @param pattern    the convention that matched; one that ends in {@code +} also stands for
 * {@code name/anything}
 * @param type       the program's type
 * @param attachType where it is meant to be attached, if the name says so
 * @param sleepable  whether the program may sleep
 */
public record SectionName(String pattern, ProgramType type, Optional<AttachType> attachType,
                          boolean sleepable) {
    private static final List<SectionName> ALL =
            Resources.lines("section-names.txt").stream().map(SectionName::read).toList();

    /** All conventions, in the order in which they are tried. */
    public static List<SectionName> all() {
        return ALL;
    }

    /**
     * The convention that {@code section} follows, if any. A leading {@code ?} (do not load) does not matter.
     */
    public static Optional<SectionName> of(String section) {
        String name = section.startsWith("?") ? section.substring(1) : section;
        return ALL.stream().filter(candidate -> candidate.matches(name)).findFirst();
    }

    private boolean matches(String name) {
        if (!pattern.endsWith("+")) {
            return name.equals(pattern);
        }
        String stem = pattern.substring(0, pattern.length() - 1);
        return name.equals(stem) || name.startsWith(stem + "/");
    }

    private static SectionName read(String line) {
        String[] words = line.split(" ");
        Optional<AttachType> attachType =
                words[2].equals("-") ? Optional.empty() : Optional.of(AttachType.valueOf(words[2]));
        return new SectionName(words[0], ProgramType.valueOf(words[1]), attachType, words.length > 3);
    }
}
