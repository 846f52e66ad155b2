package io.vhost.bpf;

import io.vhost.bpf.btf.Btf;
import io.vhost.bpf.btf.BtfBuilder;
import io.vhost.bpf.btf.BtfException;
import io.vhost.bpf.btf.BtfKind;
import io.vhost.bpf.btf.BtfType;
import io.vhost.bpf.btf.check.BtfValidator;
import io.vhost.bpf.context.ContextType;
import io.vhost.bpf.context.ProgramType;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** One way to write a parameter: the type of a function's argument, built in front of the function. */
record ArgumentShape(String name, Maker maker, int change) {
    ArgumentShape(String name, Maker maker) {
        this(name, maker, 0);
    }

    /**
     * The same with another prototype: 1 returns nothing, 2 takes six arguments, 3 returns a pointer, 4 takes
     * a number, too.
     */
    ArgumentShape changed(int to) {
        return new ArgumentShape(name, maker, to);
    }

    /**
     * Adds the parameter's type and returns its id; {@code own} is the name of the program type's own struct.
     */
    interface Maker {
        int make(BtfBuilder builder, int integer, String own);
    }

    /** A blob with a function of this shape, and the functions' ids. */
    record Built(Btf btf, int main, int called) {
    }

    /** The function under test, as the program itself or as a function that it calls. */
    Built build(List<String> tags, int linkage, boolean shapeMain, ContextType context) {
        BtfBuilder builder = new BtfBuilder();
        int integer = builder.integer("int", 4, BtfType.Int.SIGNED);
        String own = context.kind() == ContextType.Kind.STRUCT ? context.name() : "pt_regs";
        int shaped = maker.make(builder, integer, own);
        BtfType.Parameter[] parameters = shaped < 0 ? new BtfType.Parameter[0]
                : new BtfType.Parameter[] {new BtfType.Parameter("c", shaped)};
        int returned = change == 1 ? 0 : change == 3 ? builder.pointer(0) : integer;
        if (change == 2) {
            parameters = Collections.nCopies(6, new BtfType.Parameter("c", integer)).toArray(parameters);
        }
        if (change == 4) {
            parameters = new BtfType.Parameter[] {parameters[0], new BtfType.Parameter("x", integer)};
        }
        int function = builder.function(shapeMain ? "main" : "called", linkage, returned, parameters);
        if (shaped >= 0) {
            tags.forEach(tag -> builder.add(new BtfType.DeclarationTag("arg:" + tag, function, 0, false)));
        }
        int main = function;
        if (!shapeMain) {
            int pointer = builder.pointer(struct(builder, integer, own));
            main = builder.function("main", BtfType.Function.GLOBAL, integer, new BtfType.Parameter("c",
                    pointer));
        }
        try {
            return new Built(BtfValidator.standard().load(builder.build()), main, shapeMain ? 0 : function);
        } catch (BtfException e) {
            throw new AssertionError(name, e);
        }
    }

    static List<ArgumentShape> all() {
        List<ArgumentShape> shapes = new ArrayList<>();
        Set<String> names = new TreeSet<>(List.of("sk_buff", "xdp_buff", "pt_regs", "user_pt_regs",
                "stranger",
                "bpf_iter__task", "bpf_user_pt_regs_t", "__u64", "u64", "bpf_dynptr"));
        for (ProgramType type : ProgramType.values()) {
            if (!type.programContext().name().isEmpty()) {
                names.add(type.programContext().name());
            }
        }
        names.forEach(name -> shapes.add(new ArgumentShape("struct " + name + " *",
                (b, integer, own) -> b.pointer(struct(b, integer, name)))));
        for (BtfKind kind : List.of(BtfKind.CONST, BtfKind.VOLATILE, BtfKind.RESTRICT, BtfKind.TYPE_TAG,
                BtfKind.TYPEDEF)) {
            shapes.add(new ArgumentShape(kind + " struct own *",
                    (b, integer, own) -> b.pointer(modified(b, kind, struct(b, integer, own)))));
            shapes.add(new ArgumentShape("struct own * " + kind,
                    (b, integer, own) -> modified(b, kind, b.pointer(struct(b, integer, own)))));
        }
        add(shapes, "const volatile struct own *", (b, integer, own) -> b.pointer(
                modified(b, BtfKind.CONST, modified(b, BtfKind.VOLATILE, struct(b, integer, own)))));
        add(shapes, "bpf_user_pt_regs_t *", (b, integer, own) -> b.pointer(
                b.typedef("bpf_user_pt_regs_t", struct(b, integer, "anything"))));
        add(shapes, "const bpf_user_pt_regs_t *", (b, integer, own) -> b.pointer(modified(b, BtfKind.CONST,
                b.typedef("bpf_user_pt_regs_t", struct(b, integer, "anything")))));
        add(shapes, "other_t to bpf_user_pt_regs_t *", (b, integer, own) -> b.pointer(
                b.typedef("other_t", b.typedef("bpf_user_pt_regs_t", struct(b, integer, "anything")))));
        add(shapes, "union own *", (b, integer, own) -> b.pointer(b.add(new BtfType.Composite(BtfKind.UNION,
                own, 4,
                List.of(new BtfType.Member("m", integer, 0, 0)), false))));
        add(shapes, "struct own; *", (b, integer, own) -> b.pointer(b.add(new BtfType.Forward(own, false))));
        add(shapes, "union own; *", (b, integer, own) -> b.pointer(b.add(new BtfType.Forward(own, true))));
        add(shapes, "struct bpf_dynptr; *",
                (b, integer, own) -> b.pointer(b.add(new BtfType.Forward("bpf_dynptr", false))));
        add(shapes, "struct { } *", (b, integer, own) -> b.pointer(struct(b, integer, "")));
        add(shapes, "void *", (b, integer, own) -> b.pointer(0));
        add(shapes, "const void *", (b, integer, own) -> b.pointer(modified(b, BtfKind.CONST, 0)));
        add(shapes, "void_t *", (b, integer, own) -> b.pointer(b.typedef("void_t", 0)));
        add(shapes, "int", (b, integer, own) -> integer);
        add(shapes, "struct own", (b, integer, own) -> struct(b, integer, own));
        add(shapes, "int *", (b, integer, own) -> b.pointer(integer));
        add(shapes, "__u64 *", (b, integer, own) -> b.pointer(b.typedef("__u64",
                b.integer("unsigned long long", 8, 0))));
        add(shapes, "struct own **", (b, integer, own) -> b.pointer(b.pointer(struct(b, integer, own))));
        add(shapes, "enum e *", (b, integer, own) -> b.pointer(enumeration(b)));
        add(shapes, "enum e", (b, integer, own) -> enumeration(b));
        add(shapes, "struct own (*)[2]",
                (b, integer, own) -> b.pointer(b.add(new BtfType.Array(struct(b, integer, own), integer,
                2))));
        add(shapes, "int (*)(int)", (b, integer, own) -> b.pointer(
                b.add(new BtfType.Prototype(integer, List.of(new BtfType.Parameter("x", integer))))));
        add(shapes, "float", (b, integer, own) -> b.add(new BtfType.Floating("float", 4)));
        add(shapes, "no argument", (b, integer, own) -> -1);
        return shapes;
    }

    private static void add(List<ArgumentShape> shapes, String name, Maker maker) {
        shapes.add(new ArgumentShape(name, maker));
    }

    private static int struct(BtfBuilder builder, int integer, String name) {
        return builder.struct(name, 4, new BtfType.Member("m", integer, 0, 0));
    }

    private static int modified(BtfBuilder builder, BtfKind kind, int target) {
        String name = kind == BtfKind.TYPEDEF ? "alias_t" : kind == BtfKind.TYPE_TAG ? "tag" : "";
        return builder.add(new BtfType.Modifier(kind, name, target, false));
    }

    private static int enumeration(BtfBuilder builder) {
        return builder.add(new BtfType.Enumeration(BtfKind.ENUM, "e", 4, false,
                List.of(new BtfType.Value("E", 1))));
    }
}
