package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Failure;
import dev.ublk4j.server.Target;
import java.io.IOException;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Modifier;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.jar.JarFile;
import org.jspecify.annotations.Nullable;

/** A target class from somebody's jar. */
final class TargetClass {
    private final Class<? extends Target> type;

    private TargetClass(Class<? extends Target> type) {
        this.type = type;
    }

    /**
     * Loads a class; its loader stays open, as the target may load more at any time.
     *
     * @param jars where it is; none for a class that the command line itself has
     * @throws Failure when it cannot be loaded, with the reason
     */
    static TargetClass load(String name, List<Path> jars) {
        URL[] places = jars.stream().map(TargetClass::checked).toArray(URL[]::new);
        ClassLoader loader =
                new URLClassLoader("target", places, TargetClass.class.getClassLoader());
        String where = jars.isEmpty() ? "; name its jar with --jar" : " in " + join(jars);
        try {
            Class<?> type = Class.forName(name, false, loader);
            if (!Target.class.isAssignableFrom(type)) {
                throw new Failure(name + " does not implement " + Target.class.getName());
            }
            if (Modifier.isAbstract(type.getModifiers())) {
                throw new Failure(name + " is abstract");
            }
            return new TargetClass(type.asSubclass(Target.class));
        } catch (ClassNotFoundException e) {
            throw new Failure("there is no class " + name + where, e);
        } catch (UnsupportedClassVersionError e) {
            throw new Failure(
                    "%s was compiled for a newer Java than this, %s"
                            .formatted(name, Runtime.version()),
                    e);
        } catch (LinkageError e) {
            throw unlinked(name, e);
        }
    }

    private static String join(List<Path> jars) {
        return String.join(", ", jars.stream().map(Path::toString).toList());
    }

    private static Failure unlinked(String name, LinkageError e) {
        return new Failure(
                "%s cannot be loaded: %s: %s"
                        .formatted(name, e.getClass().getSimpleName(), e.getMessage()),
                e);
    }

    private static URL checked(Path place) {
        if (!Files.isReadable(place)) {
            throw new Failure(
                    (Files.exists(place) ? "no permission to read " : "no such file: ") + place);
        }
        if (!Files.isDirectory(place)) {
            try (JarFile jar = new JarFile(place.toFile())) {
                jar.size();
            } catch (IOException e) {
                throw new Failure(place + " is no jar: " + e.getMessage(), e);
            }
        }
        try {
            return place.toUri().toURL();
        } catch (MalformedURLException e) {
            throw new Failure(place + " is no place for classes", e);
        }
    }

    /**
     * {@return a target made by the constructor that takes strings, or by the one that takes
     * nothing}
     *
     * @throws Failure when there is no such constructor, or it throws
     */
    Target create(List<String> arguments) {
        Constructor<? extends Target> withStrings = constructorOrNull(String[].class);
        Constructor<? extends Target> plain = constructorOrNull();
        try {
            if (withStrings != null) {
                return withStrings.newInstance((Object) arguments.toArray(String[]::new));
            }
            if (plain != null && arguments.isEmpty()) {
                return plain.newInstance();
            }
        } catch (InvocationTargetException e) {
            throw new Failure(
                    "%s cannot be created: %s".formatted(type.getName(), e.getCause()), e);
        } catch (ReflectiveOperationException e) {
            throw new Failure("%s cannot be created: %s".formatted(type.getName(), e), e);
        } catch (LinkageError e) {
            throw unlinked(type.getName(), e);
        }
        throw new Failure(
                plain == null
                        ? type.getName() + " has no public constructor of String... or nothing"
                        : type.getName() + " takes no arguments");
    }

    private @Nullable Constructor<? extends Target> constructorOrNull(Class<?>... parameters) {
        try {
            return type.getConstructor(parameters);
        } catch (NoSuchMethodException e) {
            return null;
        }
    }
}
