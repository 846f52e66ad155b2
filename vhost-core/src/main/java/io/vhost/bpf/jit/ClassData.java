package io.vhost.bpf.jit;

import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.DirectMethodHandleDesc;
import java.lang.constant.DynamicConstantDesc;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;

/** The objects that a generated class refers to, each once. Thread: one. */
final class ClassData {
    private static final DirectMethodHandleDesc BOOTSTRAP = ConstantDescs.ofConstantBootstrap(
            ConstantDescs.CD_MethodHandles, "classDataAt", ConstantDescs.CD_Object, ConstantDescs.CD_int);

    private final List<Object> objects = new ArrayList<>();
    private final IdentityHashMap<Object, Integer> places = new IdentityHashMap<>();

    /** A constant that is this object; {@code type} is what generated code takes it for. */
    DynamicConstantDesc<?> constant(Object object, ClassDesc type) {
        Integer known = places.putIfAbsent(object, objects.size());
        if (known == null) {
            objects.add(object);
        }
        int index = known == null ? objects.size() - 1 : known;
        return DynamicConstantDesc.ofNamed(BOOTSTRAP, ConstantDescs.DEFAULT_NAME, type, index);
    }

    /** All of them, in order. */
    List<Object> objects() {
        return List.copyOf(objects);
    }
}
