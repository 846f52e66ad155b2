package io.vhost;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.vhost.os.Descriptor;
import java.io.IOException;
import java.io.InputStream;
import java.lang.module.ModuleDescriptor;
import java.lang.reflect.Constructor;
import java.lang.reflect.Executable;
import java.lang.reflect.Field;
import java.lang.reflect.GenericArrayType;
import java.lang.reflect.Member;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.lang.reflect.WildcardType;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * What applications see: no more types than the list has, and none that mentions what they cannot see.
 * Whoever adds a type to the list promises to keep it.
 */
class PublicApiTest {
    /** Superclasses that applications cannot name, with the reason why that is well. */
    private static final Map<String, String> HIDDEN_SUPERCLASSES = Map.of(
            "io.vhost.device.AsyncQueue extends io.vhost.queue.DeviceQueue",
            "what a queue of any kind of device is; applications call what they inherit through VirtQueue",
            "io.vhost.dma.DmaChannel extends io.vhost.dma.channel.ChannelHandle",
            "has no member for applications; it leads queues to their side of the channel");

    private static final Path LIST = Path.of("src", "test", "resources", "api", "types.txt");

    /** Members of it mention a type that is not exported. */
    @SuppressWarnings("unused") // Looked at, not called.
    public static class Leaking {
        /** A constructor for applications. */
        protected Leaking() {}

        /** As a part of a type. */
        public List<? extends Descriptor[]> leaks() {
            return List.of();
        }

        /** For those who extend it. */
        protected void leaks(Descriptor descriptor) {}

        void keeps(Descriptor descriptor) {}
    }

    @Test
    void theTypesAreThoseOfTheList() throws Exception {
        assertEquals(Files.readString(LIST),
                types().map(Class::getName).sorted().collect(Collectors.joining("\n", "", "\n")));
    }

    @Test
    void noneMentionsATypeThatIsNotExported() throws Exception {
        Set<String> exported = exported();
        Set<String> found = new TreeSet<>();
        types().forEach(type -> leaks(type, exported, found::add));
        assertEquals(new TreeSet<>(HIDDEN_SUPERCLASSES.keySet()), found);
    }

    /** Beside it the superclass whose methods they call. */
    @Test
    void allThatIsExportedIsComparedWithTheVersionBefore() throws Exception {
        Set<String> compared = Pattern.compile("<include>(io\\.vhost\\..+)</include>")
                .matcher(Files.readString(Path.of("pom.xml"))).results()
                .map(include -> include.group(1)).collect(Collectors.toCollection(TreeSet::new));
        Set<String> expected = new TreeSet<>(exported());
        expected.add("io.vhost.queue.DeviceQueue");
        assertEquals(expected, compared);
    }

    @Test
    void aLeakIsFound() {
        List<String> found = new ArrayList<>();
        leaks(Leaking.class, Set.of("io.vhost"), found::add);
        assertEquals(2, found.size(), found::toString);
    }

    private static Set<String> exported() throws IOException, URISyntaxException {
        Path module = CompiledClasses.directory().resolve("module-info.class");
        try (InputStream in = Files.newInputStream(module)) {
            return ModuleDescriptor.read(in).exports().stream()
                    .filter(exports -> !exports.isQualified())
                    .map(ModuleDescriptor.Exports::source).collect(Collectors.toSet());
        }
    }

    /** All types that an application can name. */
    private static Stream<Class<?>> types() throws IOException, URISyntaxException {
        List<Class<?>> types = new ArrayList<>();
        for (String exported : exported()) {
            try (var files = Files.list(CompiledClasses.directory().resolve(exported.replace('.', '/')))) {
                files.map(file -> file.getFileName().toString())
                        .filter(file -> file.endsWith(".class") && !file.equals("package-info.class"))
                        .map(file -> load(exported + "." + file.replace(".class", "")))
                        .filter(PublicApiTest::isVisible).forEach(types::add);
            }
        }
        return types.stream();
    }

    private static Class<?> load(String name) {
        try {
            return Class.forName(name, false, PublicApiTest.class.getClassLoader());
        } catch (ClassNotFoundException e) {
            throw new AssertionError(e);
        }
    }

    private static boolean isVisible(Class<?> type) {
        Class<?> around = type.getEnclosingClass();
        if (around != null && !isVisible(around)) {
            return false;
        }
        return Modifier.isPublic(type.getModifiers())
                || (Modifier.isProtected(type.getModifiers()) && isExtensible(around));
    }

    /** Whether an application can have a subclass of it. */
    private static boolean isExtensible(Class<?> type) {
        return !Modifier.isFinal(type.getModifiers()) && !type.isSealed()
                && Stream.of(type.getDeclaredConstructors()).anyMatch(PublicApiTest::isOpen);
    }

    private static boolean isOpen(Member member) {
        return (member.getModifiers() & (Modifier.PUBLIC | Modifier.PROTECTED)) != 0;
    }

    /** Names what a type and its members mention that is neither the JDK's nor exported. */
    private static void leaks(Class<?> type, Set<String> exported, Consumer<String> found) {
        Class<?> parent = type.getSuperclass();
        if (parent != null && !isKnown(parent, exported)) {
            found.accept(type.getName() + " extends " + parent.getName());
        }
        Stream.of(type.getGenericInterfaces()).forEach(each -> look(each, exported, type.getName(), found));
        for (Field field : type.getFields()) {
            look(field.getGenericType(), exported, type.getName() + "." + field.getName(), found);
        }
        for (Constructor<?> constructor : type.getConstructors()) {
            look(constructor, exported, type.getName() + " constructor", found);
        }
        // What is inherited is called through this type, wherever it was declared.
        for (Method method : type.getMethods()) {
            look(method, exported, type.getName() + "." + method.getName(), found);
        }
        if (isExtensible(type)) {
            protectedMembers(type).forEach(member -> {
                String place = type.getName() + "." + member.getName();
                if (member instanceof Executable executable) {
                    look(executable, exported, place, found);
                } else {
                    look(((Field) member).getGenericType(), exported, place, found);
                }
            });
        }
    }

    private static Stream<Member> protectedMembers(Class<?> type) {
        return Stream.<Member[]>of(
                        type.getDeclaredFields(), type.getDeclaredConstructors(), type.getDeclaredMethods())
                .flatMap(Stream::of).filter(member -> Modifier.isProtected(member.getModifiers()));
    }

    private static void look(Executable executable, Set<String> exported, String place,
            Consumer<String> found) {
        for (Type type : executable.getGenericParameterTypes()) {
            look(type, exported, place, found);
        }
        for (Type type : executable.getGenericExceptionTypes()) {
            look(type, exported, place, found);
        }
        for (TypeVariable<?> variable : executable.getTypeParameters()) {
            Stream.of(variable.getBounds()).forEach(bound -> look(bound, exported, place, found));
        }
        if (executable instanceof Method method) {
            look(method.getGenericReturnType(), exported, place, found);
        }
    }

    private static void look(Type type, Set<String> exported, String place, Consumer<String> found) {
        switch (type) {
            case Class<?> named -> {
                if (!isKnown(named, exported)) {
                    found.accept(place + " mentions " + named.getName());
                }
            }
            case ParameterizedType generic -> {
                look(generic.getRawType(), exported, place, found);
                Stream.of(generic.getActualTypeArguments())
                        .forEach(argument -> look(argument, exported, place, found));
            }
            case GenericArrayType array -> look(array.getGenericComponentType(), exported, place, found);
            case WildcardType wildcard -> Stream.of(wildcard.getUpperBounds(), wildcard.getLowerBounds())
                    .flatMap(Stream::of).forEach(bound -> look(bound, exported, place, found));
            // Its bounds are looked at where it is declared.
            default -> { }
        }
    }

    private static boolean isKnown(Class<?> type, Set<String> exported) {
        Class<?> element = type;
        while (element.isArray()) {
            element = element.componentType();
        }
        return element.isPrimitive() || exported.contains(element.getPackageName())
                || element.getModule().equals(Object.class.getModule());
    }
}
