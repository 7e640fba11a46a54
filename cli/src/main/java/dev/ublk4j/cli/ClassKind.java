package dev.ublk4j.cli;

import dev.ublk4j.server.Target;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The kind {@code target}. */
@Command(
        name = "target",
        description = "A device served by a target class of your own.",
        footer = {
            "",
            "The class implements dev.ublk4j.server.Target and has a public constructor"
                    + " that takes String..., or one String, Path, boolean, int or long for each"
                    + " ARGUMENT. Numbers may be sizes, such as 64M.",
            "",
            "Examples:",
            "  ublk4j add target --class com.example.RamDisk --jar ram.jar 1G",
            "  ublk4j add target --class com.example.Striped --jar striped.jar /dev/sdb /dev/sdc"
        })
final class ClassKind extends TargetKind {
    @Option(
            names = "--class",
            paramLabel = "NAME",
            required = true,
            description = "The class of the target, with its package.")
    private String className = "";

    @Option(
            names = "--jar",
            paramLabel = "JAR",
            description = "A jar with the class or its dependencies. May be repeated.")
    private List<Path> jars = new ArrayList<>();

    @Parameters(
            arity = "0..*",
            paramLabel = "ARGUMENT",
            description = "Arguments of the constructor.")
    private List<String> arguments = new ArrayList<>();

    @Override
    String source() {
        return className;
    }

    /** Paths among the arguments must be absolute: nobody else knows which of them are paths. */
    @Override
    List<String> ownWords() {
        List<String> words = new ArrayList<>(List.of("--class=" + className));
        jars.forEach(jar -> words.add("--jar=" + jar.toAbsolutePath().normalize()));
        words.add("--");
        words.addAll(arguments);
        return words;
    }

    @Override
    Target open() {
        return TargetClass.load(className, jars).create(arguments);
    }
}
