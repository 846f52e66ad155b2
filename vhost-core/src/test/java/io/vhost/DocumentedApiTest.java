package io.vhost;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.source.tree.ClassTree;
import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.tree.ExportsTree;
import com.sun.source.tree.MethodTree;
import com.sun.source.tree.ModifiersTree;
import com.sun.source.tree.ModuleTree;
import com.sun.source.tree.Tree;
import com.sun.source.tree.VariableTree;
import com.sun.source.util.DocTrees;
import com.sun.source.util.JavacTask;
import com.sun.source.util.TreePathScanner;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import javax.lang.model.element.Modifier;
import javax.tools.JavaCompiler;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;

/**
 * What an application can call has a comment, and every package says what it is for. The compiler checks that
 * comments are well formed; it cannot ask for a comment without also asking for a tag for each parameter.
 */
class DocumentedApiTest {
    private static final Path SOURCES = Path.of("src", "main", "java");
    /** What an exported class inherits from, so that Javadoc shows it there. */
    private static final Path INHERITED =
            SOURCES.resolve(Path.of("io", "vhost", "queue", "DeviceQueue.java"));

    @Test
    void everythingPublicInAnExportedPackageHasAComment() throws IOException {
        List<Path> files;
        try (var tree = Files.walk(SOURCES)) {
            files = tree.filter(file -> file.toString().endsWith(".java")).sorted().toList();
        }
        assertEquals(List.of(), undocumented(files));
    }

    @Test
    void everyPackageSaysWhatItIsFor() throws IOException {
        try (var tree = Files.walk(SOURCES.resolve("io").resolve("vhost"))) {
            for (Path directory : tree.skip(1).filter(Files::isDirectory).toList()) {
                Path info = directory.resolve("package-info.java");
                assertTrue(Files.exists(info), info + " is missing");
            }
        }
    }

    private static List<String> undocumented(List<Path> files) throws IOException {
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        try (var manager = compiler.getStandardFileManager(null, null, null)) {
            var task = (JavacTask) compiler.getTask(null, manager, null, List.of("-proc:none"), null,
                    manager.getJavaFileObjectsFromPaths(files));
            List<CompilationUnitTree> units = new ArrayList<>();
            task.parse().forEach(units::add);
            Set<String> exported = units.stream().map(CompilationUnitTree::getModule)
                    .filter(ModuleTree.class::isInstance)
                    .flatMap(module -> module.getDirectives().stream())
                    .filter(ExportsTree.class::isInstance)
                    .map(directive -> ((ExportsTree) directive).getPackageName().toString())
                    .collect(Collectors.toSet());
            var scanner = new Scanner(DocTrees.instance(task));
            units.stream()
                    .filter(unit -> unit.getPackageName() != null)
                    .filter(unit -> exported.contains(unit.getPackageName().toString())
                            || unit.getSourceFile().getName().equals(INHERITED.toString()))
                    .forEach(unit -> scanner.scan(unit, unit.getPackageName() + "."));
            return scanner.missing;
        }
    }

    /** Looks at types and members that are public or protected all the way up. */
    private static final class Scanner extends TreePathScanner<Void, String> {
        private final DocTrees documentation;
        private final List<String> missing = new ArrayList<>();

        private Scanner(DocTrees documentation) {
            this.documentation = documentation;
        }

        @Override
        public Void visitClass(ClassTree type, String prefix) {
            if (check(type.getModifiers(), prefix + type.getSimpleName())) {
                super.visitClass(type, prefix + type.getSimpleName() + ".");
            }
            return null;
        }

        @Override
        public Void visitMethod(MethodTree method, String prefix) {
            boolean overrides = method.getModifiers().getAnnotations().stream()
                    .anyMatch(annotation -> annotation.getAnnotationType().toString().equals("Override"));
            boolean ofRecord = inRecord() && method.getName().contentEquals("<init>");
            if (!overrides && !ofRecord) {
                check(method.getModifiers(), prefix + method.getName());
            }
            return null;
        }

        @Override
        public Void visitVariable(VariableTree field, String prefix) {
            if (!inRecord() || field.getModifiers().getFlags().contains(Modifier.STATIC)) {
                check(field.getModifiers(), prefix + field.getName());
            }
            return null;
        }

        private boolean check(ModifiersTree modifiers, String name) {
            Set<Modifier> flags = modifiers.getFlags();
            boolean open = flags.contains(Modifier.PUBLIC) || flags.contains(Modifier.PROTECTED)
                    || (parent().getKind() == Tree.Kind.INTERFACE && !flags.contains(Modifier.PRIVATE));
            if (open && documentation.getDocComment(getCurrentPath()) == null) {
                missing.add(name);
            }
            return open;
        }

        private boolean inRecord() {
            return parent().getKind() == Tree.Kind.RECORD;
        }

        private Tree parent() {
            return getCurrentPath().getParentPath().getLeaf();
        }
    }
}
