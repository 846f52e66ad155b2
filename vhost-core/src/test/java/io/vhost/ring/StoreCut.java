package io.vhost.ring;

import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.CodeTransform;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.lang.foreign.MemorySegment;
import java.util.Set;

/**
 * Ends what a device does behind any of its stores to memory that others see, as the end of its process does.
 * The classes of the library are loaded anew for that, with a call of {@link #stored} behind each store.
 */
public final class StoreCut {
    private static final String LIBRARY = "io.vhost.";
    private static final Set<String> STORES = Set.of("set", "setOpaque", "setRelease", "setVolatile");
    /** More stores than any life makes. */
    static final int ENDLESS = Integer.MAX_VALUE;

    private static boolean running;
    /** Stores that may still be made. */
    private static int left;
    private static int made;

    private StoreCut() {}

    /** Instead of the end of the process. */
    static final class Cut extends RuntimeException {
        private static final long serialVersionUID = 1;
    }

    /** From now on so many stores are made and counted, and no more: at least 1. */
    static void resume(int stores) {
        running = true;
        left = stores;
    }

    /** Stores are made without limit and not counted; how many were left. */
    static int pause() {
        running = false;
        return left;
    }

    /** How many stores were counted since this was asked last. */
    static int made() {
        int sum = made;
        made = 0;
        return sum;
    }

    /** What stands behind each store. */
    public static void stored() {
        if (running) {
            made++;
            if (--left == 0) {
                running = false;
                throw new Cut();
            }
        }
    }

    /** The same class in a world of its own, in which stores can be cut. */
    static Class<?> load(Class<?> scenario) throws ClassNotFoundException {
        return Class.forName(scenario.getName(), true, new Loader(scenario.getClassLoader()));
    }

    private static final class Loader extends ClassLoader {
        Loader(ClassLoader parent) {
            super(parent);
        }

        @Override
        protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
            synchronized (getClassLoadingLock(name)) {
                Class<?> loaded = findLoadedClass(name);
                if (loaded == null) {
                    loaded = name.startsWith(LIBRARY) ? define(name) : getParent().loadClass(name);
                }
                return loaded;
            }
        }

        private Class<?> define(String name) throws ClassNotFoundException {
            String file = name.replace('.', '/') + ".class";
            try (InputStream stream = getParent().getResourceAsStream(file)) {
                if (stream == null) {
                    throw new ClassNotFoundException(name);
                }
                byte[] bytes = stream.readAllBytes();
                byte[] cuttable = name.startsWith("io.vhost.ring.") ? cuttable(bytes) : bytes;
                return defineClass(name, cuttable, 0, cuttable.length);
            } catch (IOException e) {
                throw new ClassNotFoundException(name, e);
            }
        }
    }

    private static byte[] cuttable(byte[] bytes) {
        CodeTransform behindStores = (code, element) -> {
            code.with(element);
            if (element instanceof InvokeInstruction invoke && isStore(invoke)) {
                code.invokestatic(ClassDesc.of(StoreCut.class.getName()), "stored",
                        MethodTypeDesc.of(ConstantDescs.CD_void));
            }
        };
        ClassFile file = ClassFile.of();
        return file.transformClass(file.parse(bytes), ClassTransform.transformingMethodBodies(behindStores));
    }

    private static boolean isStore(InvokeInstruction invoke) {
        return invoke.owner().asInternalName().equals("java/lang/invoke/VarHandle")
                && STORES.contains(invoke.name().stringValue())
                && invoke.typeSymbol().parameterType(0).equals(ClassDesc.of(MemorySegment.class.getName()));
    }
}
