import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassFileVersion;
import java.lang.classfile.ClassHierarchyResolver;
import java.lang.classfile.ClassModel;
import java.lang.classfile.ClassTransform;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Enumeration;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.jar.JarOutputStream;

/**
 * Writes the classes of jars anew in the format of Java 8, where theirs is older: the JVM keeps
 * none in its AOT cache that it has to verify in the old way.
 *
 * <p>usage: RenewClasses JAR...
 */
final class RenewClasses {
    public static void main(String[] jars) throws IOException {
        for (String name : jars) {
            Path jar = Path.of(name);
            Path renewed = jar.resolveSibling(jar.getFileName() + ".new");
            if (renew(jar, renewed)) {
                Files.move(renewed, jar, StandardCopyOption.ATOMIC_MOVE);
            } else {
                Files.delete(renewed);
            }
        }
    }

    /** {@return whether any class was old} */
    private static boolean renew(Path from, Path to) throws IOException {
        boolean any = false;
        try (JarFile jar = new JarFile(from.toFile());
                URLClassLoader classes = new URLClassLoader(new URL[] {from.toUri().toURL()});
                JarOutputStream out = new JarOutputStream(Files.newOutputStream(to))) {
            ClassFile format =
                    ClassFile.of(
                            // Else the code would be copied as it is, without its stack maps.
                            ClassFile.ConstantPoolSharingOption.NEW_POOL,
                            ClassFile.ClassHierarchyResolverOption.of(
                                    ClassHierarchyResolver.ofResourceParsing(classes)
                                            .orElse(ClassHierarchyResolver.defaultResolver())));
            for (Enumeration<JarEntry> entries = jar.entries(); entries.hasMoreElements(); ) {
                JarEntry entry = entries.nextElement();
                byte[] content = jar.getInputStream(entry).readAllBytes();
                if (entry.getName().endsWith(".class")) {
                    ClassModel model = format.parse(content);
                    if (model.majorVersion() < ClassFile.JAVA_8_VERSION) {
                        content = renewed(format, model);
                        any = true;
                    }
                }
                JarEntry copy = new JarEntry(entry.getName());
                copy.setTime(entry.getTime());
                out.putNextEntry(copy);
                out.write(content);
                out.closeEntry();
            }
        }
        return any;
    }

    private static byte[] renewed(ClassFile format, ClassModel model) {
        ClassTransform withVersion =
                ClassTransform.dropping(element -> element instanceof ClassFileVersion)
                        .andThen(
                                ClassTransform.endHandler(
                                        builder ->
                                                builder.withVersion(ClassFile.JAVA_8_VERSION, 0)));
        return format.transformClass(model, withVersion);
    }
}
