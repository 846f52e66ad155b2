package io.vhost;

import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.attribute.InnerClassesAttribute;
import java.lang.classfile.attribute.PermittedSubclassesAttribute;
import java.lang.classfile.constantpool.ClassEntry;
import java.lang.classfile.constantpool.PoolEntry;
import java.lang.classfile.constantpool.Utf8Entry;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Which classes of a package use which others of it. A nested class counts as the one around it.
 *
 * @param uses for each class, named by its package below {@code io.vhost} and its name, those that it uses
 */
record ClassGraph(Map<String, Set<String>> uses) {
    private static final String ROOT = "io/vhost/";
    /** A class in a descriptor or a signature. */
    private static final Pattern DESCRIBED = Pattern.compile("L(" + ROOT + "[\\w/$]+)");

    /** Reads all classes below a directory. */
    static ClassGraph read(Path classes) throws IOException {
        Map<String, Set<String>> uses = new TreeMap<>();
        try (Stream<Path> files = Files.walk(classes.resolve(ROOT))) {
            for (Path file : files.filter(f -> f.toString().endsWith(".class")).toList()) {
                ClassModel model = CompiledClasses.parse(file);
                String name = outermost(model.thisClass().asInternalName());
                if (!name.endsWith(".package-info")) {
                    uses.computeIfAbsent(name, key -> new TreeSet<>()).addAll(neighbours(name, model));
                }
            }
        }
        return new ClassGraph(uses);
    }

    /** The sets of classes that use each other, directly or not. */
    Set<Set<String>> circles() {
        Map<String, Set<String>> reached = new TreeMap<>();
        uses.keySet().forEach(name -> reached.put(name, reachedFrom(name)));
        return reached.keySet().stream()
                .filter(name -> reached.get(name).contains(name))
                .map(name -> reached.get(name).stream()
                        .filter(other -> reached.getOrDefault(other, Set.of()).contains(name))
                        .collect(Collectors.toSet()))
                .collect(Collectors.toSet());
    }

    /** How many classes each package has. */
    Map<String, Integer> sizes() {
        return uses.keySet().stream().collect(Collectors.toMap(
                ClassGraph::packageOf, name -> 1, Integer::sum, TreeMap::new));
    }

    private Set<String> reachedFrom(String start) {
        Set<String> reached = new TreeSet<>();
        add(start, reached);
        return reached;
    }

    private void add(String name, Set<String> reached) {
        for (String used : uses.getOrDefault(name, Set.of())) {
            if (reached.add(used)) {
                add(used, reached);
            }
        }
    }

    private static Set<String> neighbours(String name, ClassModel model) {
        return references(model).stream()
                .map(ClassGraph::outermost)
                .filter(other -> !other.equals(name) && packageOf(other).equals(packageOf(name)))
                .collect(Collectors.toSet());
    }

    /**
     * The internal names of all classes that a class mentions, but for those which it only permits to extend
     * it: they stay in a constant pool only if it is built anew for the rest.
     */
    static Set<String> references(ClassModel model) {
        Set<String> names = mentioned(model);
        Set<String> permitted = model.elementStream()
                .mapMulti((element, sink) -> {
                    if (element instanceof PermittedSubclassesAttribute permits) {
                        permits.permittedSubclasses().forEach(entry -> sink.accept(entry.asInternalName()));
                    }
                })
                .map(String.class::cast).collect(Collectors.toSet());
        if (!permitted.isEmpty()) {
            ClassFile anew = ClassFile.of(ClassFile.ConstantPoolSharingOption.NEW_POOL);
            permitted.removeAll(mentioned(anew.parse(anew.transformClass(model, ClassTransform.dropping(
                    element -> element instanceof PermittedSubclassesAttribute
                            || element instanceof InnerClassesAttribute)))));
            names.removeAll(permitted);
        }
        return names;
    }

    private static Set<String> mentioned(ClassModel model) {
        Set<String> names = new TreeSet<>();
        for (PoolEntry entry : model.constantPool()) {
            if (entry instanceof ClassEntry type && type.asInternalName().startsWith(ROOT)) {
                names.add(type.asInternalName());
            } else if (entry instanceof Utf8Entry text) {
                DESCRIBED.matcher(text.stringValue()).results().forEach(found -> names.add(found.group(1)));
            }
        }
        return names;
    }

    /** {@code io/vhost/net/Packet$1} as {@code net.Packet}. */
    private static String outermost(String internalName) {
        int nested = internalName.indexOf('$');
        return internalName.substring(ROOT.length(), nested < 0 ? internalName.length() : nested)
                .replace('/', '.');
    }

    static String packageOf(String name) {
        return name.substring(0, Math.max(0, name.lastIndexOf('.')));
    }

}
