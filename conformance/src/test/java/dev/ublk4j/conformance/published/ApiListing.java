package dev.ublk4j.conformance.published;

import static java.util.stream.Collectors.joining;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.module.ModuleDescriptor;
import java.lang.module.ModuleDescriptor.Exports;
import java.lang.module.ModuleDescriptor.Requires;
import java.lang.reflect.AnnotatedType;
import java.lang.reflect.Constructor;
import java.lang.reflect.Executable;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Parameter;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What a module offers to everybody: the packages that it exports, and in them each type and member
 * that another module may use. Only what all types have, and what a record or an enum is bound to
 * have, is left out.
 */
final class ApiListing {
    private static final String INDENT = "    ";

    /** Which no signature need repeat. */
    private static final Set<String> OF_EVERY_OBJECT = Set.of("equals", "hashCode", "toString");

    private final Path classes;
    private final List<String> lines = new ArrayList<>();
    private int types;

    private ApiListing(Path classes) {
        this.classes = classes;
    }

    /**
     * Lists a module.
     *
     * @param classes the folder that it has been compiled to; it is on the class path too
     */
    static ApiListing of(Path classes) {
        ApiListing listing = new ApiListing(classes);
        try (InputStream file = Files.newInputStream(classes.resolve("module-info.class"))) {
            listing.module(ModuleDescriptor.read(file));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return listing;
    }

    List<String> lines() {
        return lines;
    }

    /** {@return how many types everybody may use} */
    int types() {
        return types;
    }

    private void module(ModuleDescriptor module) throws IOException {
        lines.add("module " + module.name());
        module.requires().stream()
                .filter(required -> required.modifiers().contains(Requires.Modifier.TRANSITIVE))
                .map(required -> INDENT + "requires transitive " + required.name())
                .sorted()
                .forEach(lines::add);
        List<Exports> exports = module.exports().stream().sorted().toList();
        for (Exports exported : exports) {
            String to = String.join(", ", new TreeSet<>(exported.targets()));
            lines.add(INDENT + "exports " + exported.source() + (to.isEmpty() ? "" : " to " + to));
        }
        for (Exports exported : exports) {
            if (!exported.isQualified()) {
                exportedPackage(exported.source());
            }
        }
    }

    private void exportedPackage(String name) throws IOException {
        Path folder = classes.resolve(name.replace('.', '/'));
        List<String> names;
        try (Stream<Path> files = Files.list(folder)) {
            names =
                    files.map(file -> file.getFileName().toString())
                            .filter(file -> file.endsWith(".class"))
                            .map(file -> file.substring(0, file.length() - ".class".length()))
                            .filter(file -> !file.equals("package-info"))
                            .sorted()
                            .toList();
        }
        lines.add("");
        lines.add("package " + name);
        for (String file : names) {
            Class<?> type = load(name + "." + file);
            if (isOffered(type)) {
                types++;
                lines.add("");
                type(type);
            }
        }
    }

    private static Class<?> load(String name) {
        try {
            return Class.forName(name, false, ApiListing.class.getClassLoader());
        } catch (ClassNotFoundException e) {
            throw new IllegalStateException("not on the class path of this test: " + name, e);
        }
    }

    private static boolean isOffered(Class<?> type) {
        if (type.isAnonymousClass() || type.isLocalClass() || type.isSynthetic()) {
            return false;
        }
        Class<?> outer = type.getEnclosingClass();
        return isOffered(type.getModifiers()) && (outer == null || isOffered(outer));
    }

    private static boolean isOffered(int modifiers) {
        return Modifier.isPublic(modifiers) || Modifier.isProtected(modifiers);
    }

    private void type(Class<?> type) {
        lines.add(head(type));
        Set<String> members = new TreeSet<>();
        for (Class<?> each = type;
                each != null && isPartOf(each, type);
                each = each.getSuperclass()) {
            members(each, type, members);
        }
        members.forEach(member -> lines.add(INDENT + member));
    }

    /** Whether the members of a class are its subclass's too, since nobody else can name it. */
    private static boolean isPartOf(Class<?> each, Class<?> type) {
        return each == type || !Modifier.isPublic(each.getModifiers());
    }

    private static String head(Class<?> type) {
        StringBuilder head = new StringBuilder();
        int modifiers = type.getModifiers();
        head.append(Modifier.isProtected(modifiers) ? "protected " : "");
        boolean isClass = !type.isInterface() && !type.isEnum() && !type.isRecord();
        head.append(isClass && Modifier.isAbstract(modifiers) ? "abstract " : "");
        head.append(isClass && Modifier.isFinal(modifiers) ? "final " : "");
        head.append(type.isSealed() ? "sealed " : "");
        head.append(kind(type)).append(' ').append(Names.ofClass(type));
        head.append(typeParameters(type.getTypeParameters()));
        if (type.isRecord()) {
            head.append(
                    Arrays.stream(type.getRecordComponents())
                            .map(ApiListing::component)
                            .collect(joining(", ", "(", ")")));
        }
        Class<?> superclass = type.getSuperclass();
        if (isClass && superclass != null && superclass != Object.class) {
            head.append(" extends ").append(Names.of(type.getGenericSuperclass()));
        }
        Type[] interfaces = type.getGenericInterfaces();
        if (interfaces.length > 0) {
            head.append(type.isInterface() ? " extends " : " implements ").append(list(interfaces));
        }
        return head.toString();
    }

    private static String kind(Class<?> type) {
        if (type.isAnnotation()) {
            return "annotation";
        }
        if (type.isInterface()) {
            return "interface";
        }
        if (type.isEnum()) {
            return "enum";
        }
        return type.isRecord() ? "record" : "class";
    }

    private static String component(RecordComponent component) {
        return annotated(component.getAnnotatedType(), component.getGenericType())
                + " "
                + component.getName();
    }

    private static void members(Class<?> declaring, Class<?> type, Collection<String> members) {
        for (Field field : declaring.getDeclaredFields()) {
            if (isOffered(field.getModifiers()) && !field.isSynthetic()) {
                members.add(field(field));
            }
        }
        if (declaring == type && !type.isEnum()) {
            for (Constructor<?> constructor : type.getDeclaredConstructors()) {
                if (isOffered(constructor.getModifiers()) && !isCanonical(type, constructor)) {
                    members.add(modifiers(constructor) + "new" + parameters(constructor));
                }
            }
        }
        for (Method method : declaring.getDeclaredMethods()) {
            if (isOffered(method.getModifiers())
                    && !method.isSynthetic()
                    && !isImplied(declaring, method)) {
                members.add(method(method));
            }
        }
    }

    private static String field(Field field) {
        if (field.isEnumConstant()) {
            return "constant " + field.getName();
        }
        return modifiers(field.getModifiers())
                + (Modifier.isFinal(field.getModifiers()) ? "final " : "")
                + annotated(field.getAnnotatedType(), field.getGenericType())
                + " "
                + field.getName();
    }

    private static boolean isCanonical(Class<?> type, Constructor<?> constructor) {
        return type.isRecord()
                && Arrays.equals(
                        Arrays.stream(type.getRecordComponents())
                                .map(RecordComponent::getType)
                                .toArray(),
                        constructor.getParameterTypes());
    }

    /** Whether a method follows from the head of its type. */
    private static boolean isImplied(Class<?> type, Method method) {
        String name = method.getName();
        if (OF_EVERY_OBJECT.contains(name)) {
            return true;
        }
        if (type.isEnum()) {
            return Set.of("values", "valueOf").contains(name);
        }
        return type.isRecord()
                && method.getParameterCount() == 0
                && Arrays.stream(type.getRecordComponents())
                        .anyMatch(component -> component.getName().equals(name));
    }

    private static String method(Method method) {
        String typeParameters = typeParameters(method.getTypeParameters());
        return modifiers(method)
                + (typeParameters.isEmpty() ? "" : typeParameters + " ")
                + annotated(method.getAnnotatedReturnType(), method.getGenericReturnType())
                + " "
                + method.getName()
                + parameters(method);
    }

    private static String modifiers(Executable member) {
        Class<?> type = member.getDeclaringClass();
        int modifiers = member.getModifiers();
        boolean overridable = !type.isInterface() && !Modifier.isFinal(type.getModifiers());
        return modifiers(modifiers)
                + (!type.isInterface() && Modifier.isAbstract(modifiers) ? "abstract " : "")
                + (overridable && Modifier.isFinal(modifiers) ? "final " : "")
                + (member instanceof Method method && method.isDefault() ? "default " : "");
    }

    private static String modifiers(int modifiers) {
        return (Modifier.isProtected(modifiers) ? "protected " : "")
                + (Modifier.isStatic(modifiers) ? "static " : "");
    }

    private static String parameters(Executable member) {
        List<String> parameters = new ArrayList<>();
        for (Parameter each : member.getParameters()) {
            String type = annotated(each.getAnnotatedType(), each.getParameterizedType());
            parameters.add(each.isVarArgs() ? type.replaceFirst("\\[]$", "...") : type);
        }
        Type[] exceptions = member.getGenericExceptionTypes();
        return parameters.stream().collect(joining(", ", "(", ")"))
                + (exceptions.length == 0 ? "" : " throws " + list(exceptions));
    }

    private static String annotated(AnnotatedType annotated, Type type) {
        return (annotated.isAnnotationPresent(Nullable.class) ? "@Nullable " : "") + Names.of(type);
    }

    private static String typeParameters(TypeVariable<?>[] parameters) {
        if (parameters.length == 0) {
            return "";
        }
        return Arrays.stream(parameters)
                .map(ApiListing::typeParameter)
                .collect(joining(", ", "<", ">"));
    }

    private static String typeParameter(TypeVariable<?> parameter) {
        Type[] bounds = parameter.getBounds();
        boolean unbounded = bounds.length == 1 && bounds[0] == Object.class;
        return parameter.getName()
                + (unbounded
                        ? ""
                        : " extends "
                                + Arrays.stream(bounds).map(Names::of).collect(joining(" & ")));
    }

    private static String list(Type[] types) {
        return Arrays.stream(types).map(Names::of).collect(joining(", "));
    }

    /** Types as they are read best: those of Java by their own name, ours by package and name. */
    private static final class Names {
        private static final String OURS = "dev.ublk4j.";

        private Names() {}

        static String of(Type type) {
            return type instanceof Class<?> plain
                    ? ofUse(plain)
                    : type.getTypeName()
                            .replaceAll("\\bjava(\\.[a-z]+)+\\.", "")
                            .replace(OURS, "")
                            .replace('$', '.');
        }

        private static String ofUse(Class<?> type) {
            if (type.isArray()) {
                return ofUse(type.getComponentType()) + "[]";
            }
            String name = type.getName();
            return name.startsWith(OURS)
                    ? name.substring(OURS.length()).replace('$', '.')
                    : ofClass(type);
        }

        /** {@return the name of a class without its package} */
        static String ofClass(Class<?> type) {
            String name = type.getName();
            return name.substring(name.lastIndexOf('.') + 1).replace('$', '.');
        }
    }
}
