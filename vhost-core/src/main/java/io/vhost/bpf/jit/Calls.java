package io.vhost.bpf.jit;

import io.vhost.bpf.run.Helper;
import io.vhost.bpf.run.Image;
import java.lang.classfile.ClassBuilder;
import java.lang.classfile.ClassFile;
import java.lang.classfile.CodeBuilder;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.util.IdentityHashMap;
import java.util.TreeSet;

/**
 * The calls that leave the class, each as a method of its own: HotSpot stops inlining into a method that has
 * become large, and then it still compiles these with their map or helper as a constant. Thread: one.
 */
final class Calls {
    /** A look-up: Cpu, address of the map, address of the key. */
    private static final MethodTypeDesc LOOK_UP = MethodTypeDesc.of(ConstantDescs.CD_long, Names.CPU,
            ConstantDescs.CD_long, ConstantDescs.CD_long);
    private static final int FIRST_ARGUMENT = 1;
    private static final int ARGUMENTS = 5;

    private final ClassDesc self;
    private final Image image;
    private final ClassData data;
    private final IdentityHashMap<Helper, Integer> helpers = new IdentityHashMap<>();
    private final TreeSet<Integer> maps = new TreeSet<>();
    private Helper lookup;

    Calls(ClassDesc self, Image image, ClassData data) {
        this.self = self;
        this.image = image;
        this.data = data;
    }

    /** Calls a helper: Cpu and five arguments are on the stack. */
    void help(CodeBuilder code, Helper helper) {
        Integer known = helpers.putIfAbsent(helper, helpers.size());
        code.invokestatic(self, "help" + (known == null ? helpers.size() - 1 : known), Names.HELP);
    }

    /** Looks up in a map: Cpu and two arguments are on the stack. */
    void lookUp(CodeBuilder code, int map, Helper helper) {
        maps.add(map);
        lookup = helper;
        code.invokestatic(self, "lookup" + map, LOOK_UP);
    }

    /** Adds the methods. */
    void emit(ClassBuilder type) {
        helpers.forEach((helper, number) -> type.withMethodBody("help" + number, Names.HELP,
                ClassFile.ACC_STATIC | ClassFile.ACC_PRIVATE, code -> {
            code.loadConstant(data.constant(helper, Names.HELPER)).aload(0);
            for (int i = 0; i < ARGUMENTS; i++) {
                code.lload(FIRST_ARGUMENT + 2 * i);
            }
            code.invokeinterface(Names.HELPER, "call", Names.HELP).lreturn();
        }));
        for (int map : maps) {
            type.withMethodBody("lookup" + map, LOOK_UP, ClassFile.ACC_STATIC | ClassFile.ACC_PRIVATE,
                    code -> code.aload(0).loadConstant(data.constant(image.map(map), Names.TABLE))
                            .loadConstant(map).loadConstant(data.constant(lookup, Names.HELPER))
                            .lload(FIRST_ARGUMENT).lload(FIRST_ARGUMENT + 2)
                            .invokestatic(Names.SUPPORT, "lookup", Names.LOOKUP).lreturn());
        }
    }
}
