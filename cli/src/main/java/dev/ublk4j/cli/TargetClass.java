package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Failure;
import dev.ublk4j.server.SimpleTarget;
import dev.ublk4j.server.Target;
import dev.ublk4j.server.TargetProvider;
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
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.jar.JarFile;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A target class from somebody's jar. */
final class TargetClass {
    private final Class<? extends Target> type;

    private TargetClass(Class<? extends Target> type) {
        this.type = type;
    }

    /**
     * {@return a target of a name that a jar gives it, or else of a class}
     *
     * @param jars where it is; none for what the command line itself has
     * @throws Failure when there is no such, or it cannot be made, with the reason
     */
    static Target create(String name, List<Path> jars, List<String> arguments) {
        ClassLoader loader = loader(jars);
        List<TargetProvider> named = providers(loader);
        for (TargetProvider provider : named) {
            if (provider.name().equals(name)) {
                return create(provider, arguments);
            }
        }
        if (!named.isEmpty() && !name.contains(".")) {
            throw new Failure(
                    "there is no target '%s'%s; there is: %s"
                            .formatted(
                                    name,
                                    jars.isEmpty() ? "" : " in " + join(jars),
                                    String.join(
                                            "; ",
                                            named.stream()
                                                    .map(each ->
                                                            each.name() + ", " + each.description())
                                                    .toList())));
        }
        return load(name, jars, loader).create(arguments);
    }

    private static List<TargetProvider> providers(ClassLoader loader) {
        try {
            return ServiceLoader.load(TargetProvider.class, loader).stream()
                    .map(ServiceLoader.Provider::get)
                    // What the command line has a kind for is named without this.
                    .filter(provider -> !TargetWords.isKind(provider.name()))
                    .toList();
        } catch (ServiceConfigurationError e) {
            throw new Failure("targets of a jar cannot be listed: " + e.getMessage(), e);
        }
    }

    private static Target create(TargetProvider provider, List<String> arguments) {
        try {
            return provider.create(arguments);
        } catch (RuntimeException | LinkageError e) {
            throw new Failure("%s cannot be created: %s".formatted(provider.name(), e), e);
        }
    }

    /**
     * Loads a class; its loader stays open, as the target may load more at any time.
     *
     * @param jars where it is; none for a class that the command line itself has
     * @throws Failure when it cannot be loaded, with the reason
     */
    static TargetClass load(String name, List<Path> jars) {
        return load(name, jars, loader(jars));
    }

    private static ClassLoader loader(List<Path> jars) {
        URL[] places = jars.stream().map(TargetClass::checked).toArray(URL[]::new);
        return new URLClassLoader("target", places, TargetClass.class.getClassLoader());
    }

    private static TargetClass load(String name, List<Path> jars, ClassLoader loader) {
        String where = jars.isEmpty() ? "; name its jar with --jar" : " in " + join(jars);
        try {
            Class<?> type = Class.forName(name, false, loader);
            if (!Target.class.isAssignableFrom(type)) {
                throw new Failure(
                        "%s is no target: it does not implement %s, or %s"
                                .formatted(
                                        name,
                                        SimpleTarget.class.getName(),
                                        Target.class.getName()));
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
                throw new Failure(place + " is not a jar file: " + e.getMessage(), e);
            }
        }
        try {
            return place.toUri().toURL();
        } catch (MalformedURLException e) {
            throw new Failure(place + " cannot hold classes", e);
        }
    }

    /**
     * {@return a target made by the public constructor that takes {@code String...}, else by the
     * one that takes as many arguments as there are}
     *
     * @throws Failure when there is no such constructor, an argument does not suit it, or it throws
     */
    Target create(List<String> arguments) {
        try {
            Constructor<? extends Target> withStrings = withStringsOrNull();
            if (withStrings != null) {
                return withStrings.newInstance((Object) arguments.toArray(String[]::new));
            }
            Constructor<?> constructor = fitting(arguments);
            return (Target) constructor.newInstance(parsed(arguments, constructor));
        } catch (InvocationTargetException e) {
            throw new Failure(
                    "%s cannot be created: %s".formatted(type.getName(), e.getCause()), e);
        } catch (ReflectiveOperationException e) {
            throw new Failure("%s cannot be created: %s".formatted(type.getName(), e), e);
        } catch (LinkageError e) {
            throw unlinked(type.getName(), e);
        }
    }

    private @Nullable Constructor<? extends Target> withStringsOrNull() {
        try {
            return type.getConstructor(String[].class);
        } catch (NoSuchMethodException e) {
            return null;
        }
    }

    private Constructor<?> fitting(List<String> arguments) {
        List<Constructor<?>> fitting =
                Stream.of(type.getConstructors())
                        .filter(each -> each.getParameterCount() == arguments.size())
                        .filter(each ->
                                Stream.of(each.getParameterTypes())
                                        .allMatch(TargetArgument::isOfType))
                        .toList();
        if (fitting.isEmpty()) {
            throw new Failure(
                    "no public constructor of %s takes %s: String..., or a String, Path, boolean, int or long for each"
                            .formatted(type.getName(), arguments));
        }
        if (fitting.size() > 1) {
            throw new Failure(
                    "several public constructors of %s take %s"
                            .formatted(type.getName(), arguments));
        }
        return fitting.getFirst();
    }

    private Object[] parsed(List<String> arguments, Constructor<?> constructor) {
        Class<?>[] types = constructor.getParameterTypes();
        Object[] values = new Object[types.length];
        for (int i = 0; i < types.length; i++) {
            try {
                values[i] = TargetArgument.parse(arguments.get(i), types[i]);
            } catch (RuntimeException e) {
                throw new Failure(
                        "%s cannot be created: argument %d: %s"
                                .formatted(type.getName(), i + 1, e.getMessage()),
                        e);
            }
        }
        return values;
    }
}
