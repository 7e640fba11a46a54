package dev.ublk4j.cli;

import dev.ublk4j.cli.spec.TargetSpec;
import dev.ublk4j.server.Target;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The kind {@code target}. */
@Command(
        name = "target",
        description = "A device served by a target class of your own.",
        footer = {
            "",
            "The class implements dev.ublk4j.server.SimpleTarget, BlockingTarget or Target and has a"
                    + " public constructor that takes the arguments: all as String..., or each as a"
                    + " String, Path, boolean, int or long. Numbers may be sizes, such as 64M.",
            "",
            "A jar may name its targets by a dev.ublk4j.server.TargetProvider, which ServiceLoader finds;"
                    + " then NAME is that name.",
            "",
            "Examples:",
            "  ublk4j add target --class com.example.RamDisk --jar ram.jar 1G",
            "  ublk4j add target --class com.example.Cached --jar cached.jar /dev/sdb 64M"
        })
final class ClassKind extends TargetKind {
    @Option(
            names = "--class",
            paramLabel = "NAME",
            description =
                    "The target's class, with its package, or the name that its jar gives it. Default:"
                            + " the first ARGUMENT.")
    private @Nullable String className;

    @Option(
            names = "--jar",
            paramLabel = "JAR",
            description = "A jar with the class or its dependencies. May be repeated.")
    private List<Path> jars = new ArrayList<>();

    @Option(
            names = "--arg",
            paramLabel = "ARGUMENT",
            description = "One more ARGUMENT. May be repeated.")
    private List<String> more = new ArrayList<>();

    @Parameters(
            arity = "0..*",
            paramLabel = "ARGUMENT",
            description = "Arguments of the constructor.")
    private List<String> arguments = new ArrayList<>();

    private String className() {
        if (className != null) {
            return className;
        }
        if (arguments.isEmpty()) {
            throw new IllegalArgumentException("--class NAME is missing");
        }
        return arguments.getFirst();
    }

    private List<String> arguments() {
        List<String> all = new ArrayList<>(arguments);
        if (className == null) {
            all.removeFirst();
        }
        all.addAll(more);
        return all;
    }

    @Override
    void check() {
        className();
    }

    /** With its arguments, which may name its data. */
    @Override
    String source() {
        return Stream.concat(Stream.of(className()), arguments().stream())
                .collect(Collectors.joining(" "));
    }

    /** Paths among the arguments must be absolute: nobody else knows which of them are paths. */
    @Override
    TargetSpec ownSpec() {
        TargetSpec spec = TargetSpec.of(name()).withArgument(className());
        for (Path jar : jars) {
            spec = spec.with("jar", jar.toAbsolutePath().normalize().toString());
        }
        for (String argument : arguments()) {
            spec = spec.with("arg", argument);
        }
        return spec;
    }

    @Override
    Target open() {
        return TargetClass.create(className(), jars, arguments());
    }
}
