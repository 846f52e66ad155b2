package io.vhost.bpf.context;

import io.vhost.bpf.btf.Btf;
import io.vhost.bpf.btf.BtfException;
import io.vhost.bpf.btf.BtfKind;
import io.vhost.bpf.btf.BtfType;
import io.vhost.bpf.btf.Errno;
import java.io.IOException;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The context types of a kernel, looked up in its BTF: the struct {@code bpf_ctx_convert} has two members for
 * each program type, the program's side and the kernel's side.
 *
 * <p>Thread: immutable; any thread.
 */
public final class ContextTypes {
    private static final String CONVERT = "bpf_ctx_convert";

    private final Btf btf;
    private final Map<ProgramType, Pair> pairs;

    /**
     * The two sides of one context.
     *
     * @param program id of the type that programs are written against
     * @param kernel  id of the type that the kernel hands over
     */
    public record Pair(int program, int kernel) {
    }

    private static final class Shipped {
        static final ContextTypes TYPES = create();

        private static ContextTypes create() {
            try {
                return of(ShippedTypes.build(CONVERT));
            } catch (BtfException e) {
                throw new IllegalStateException("the shipped types lack " + CONVERT, e);
            }
        }
    }

    private ContextTypes(Btf btf, Map<ProgramType, Pair> pairs) {
        this.btf = btf;
        this.pairs = pairs;
    }

    /** The types that come with this library: all program types of Linux 6.18, on any host. */
    public static ContextTypes shipped() {
        return Shipped.TYPES;
    }

    /**
     * The types of the running kernel.
     *
     * @throws IOException  if the kernel does not show its BTF
     * @throws BtfException if its BTF is broken or has no context types
     */
    public static ContextTypes host() throws IOException, BtfException {
        return of(Btf.read(Btf.HOST));
    }

    /**
     * The types in {@code btf}: the first struct named {@code bpf_ctx_convert} decides, as in the kernel of
     * 2019.
     *
     * @throws BtfException with ENOENT if there is none
     */
    public static ContextTypes of(Btf btf) throws BtfException {
        int id = btf.find(BtfKind.STRUCT, CONVERT);
        if (id == Btf.NOT_FOUND) {
            throw new BtfException(Errno.ENOENT, 0, 0, "no struct " + CONVERT, "");
        }
        Map<ProgramType, Integer> programs = new EnumMap<>(ProgramType.class);
        Map<ProgramType, Integer> kernels = new EnumMap<>(ProgramType.class);
        Map<String, ProgramType> names = new HashMap<>();
        for (ProgramType type : ProgramType.values()) {
            names.put(type.kernelName(), type);
        }
        for (BtfType.Member member : ((BtfType.Composite) btf.type(id)).members()) {
            int split = member.name().lastIndexOf('_');
            ProgramType type = split < 0 ? null : names.get(member.name().substring(0, split));
            if (type != null) {
                (member.name().endsWith("_kern") ? kernels : programs).putIfAbsent(type, member.type());
            }
        }
        Map<ProgramType, Pair> pairs = new EnumMap<>(ProgramType.class);
        programs.forEach((type, program) -> {
            if (kernels.containsKey(type)) {
                pairs.put(type, new Pair(program, kernels.get(type)));
            }
        });
        return new ContextTypes(btf, pairs);
    }

    /** The BTF that the ids belong to. */
    public Btf btf() {
        return btf;
    }

    /** The two sides for a program type; empty if the kernel was built without it. */
    public Optional<Pair> pair(ProgramType type) {
        return Optional.ofNullable(pairs.get(type));
    }
}
