package io.vhost.bpf.context;

import io.vhost.bpf.btf.Btf;
import io.vhost.bpf.btf.BtfKind;
import io.vhost.bpf.btf.BtfType;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The {@code arg:} tags of all functions, collected in one pass over the types. Made once for an object, it
 * serves all checks of it.
 *
 * <p>Thread: immutable; any thread.
 */
public final class ArgumentTags {
    private static final String PREFIX = "arg:";

    private final Map<Place, List<String>> tags = new HashMap<>();

    private record Place(int function, int argument) {
    }

    /** What a tag says about an argument. */
    enum ArgumentTag {
        CTX, TRUSTED, UNTRUSTED, NONNULL, NULLABLE, ARENA;

        /** The tag of this name, or null. */
        static ArgumentTag of(String name) {
            return switch (name) {
                case "ctx" -> CTX;
                case "trusted" -> TRUSTED;
                case "untrusted" -> UNTRUSTED;
                case "nonnull" -> NONNULL;
                case "nullable" -> NULLABLE;
                case "arena" -> ARENA;
                default -> null;
            };
        }
    }

    /** The tags of the functions in {@code btf}. */
    public ArgumentTags(Btf btf) {
        for (int id = 1; id < btf.typeCount(); id++) {
            if (btf.kind(id) == BtfKind.DECL_TAG && btf.name(id).startsWith(PREFIX)) {
                BtfType.DeclarationTag tag = (BtfType.DeclarationTag) btf.type(id);
                tags.computeIfAbsent(new Place(tag.type(), tag.component()), key -> new ArrayList<>())
                        .add(tag.name().substring(PREFIX.length()));
            }
        }
    }

    /** Whether any argument tag is on this parameter. */
    boolean any(int function, int argument) {
        return tags.containsKey(new Place(function, argument));
    }

    /** The tags of one parameter, or null if one of them is unknown. */
    Set<ArgumentTag> of(int function, int argument) {
        Set<ArgumentTag> found = EnumSet.noneOf(ArgumentTag.class);
        for (String name : tags.getOrDefault(new Place(function, argument), List.of())) {
            ArgumentTag tag = ArgumentTag.of(name);
            if (tag == null) {
                return null;
            }
            found.add(tag);
        }
        return found;
    }
}
