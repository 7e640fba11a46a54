package dev.ublk4j.conformance;

import static com.tngtech.archunit.core.domain.JavaAccess.Predicates.target;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.assignableTo;
import static com.tngtech.archunit.core.domain.properties.HasName.Predicates.name;
import static com.tngtech.archunit.core.domain.properties.HasOwner.Predicates.With.owner;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaPackage;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.library.dependencies.SliceAssignment;
import com.tngtech.archunit.library.dependencies.SliceIdentifier;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Which module may use which, what classes are called, and how long they are. */
final class ArchitectureTest {
    private static final String ROOT = "dev.ublk4j.";
    private static final int MAX_LINES = 400;

    /** Of each module, the others that it may use: all of them below it. */
    private static final Map<String, List<String>> MAY_USE = new LinkedHashMap<>();

    static {
        MAY_USE.put("trials", List.of());
        MAY_USE.put("linux", List.of());
        MAY_USE.put("uapi", List.of());
        MAY_USE.put("uring", List.of("linux"));
        MAY_USE.put("sharedmemory", List.of("linux"));
        MAY_USE.put("handover", List.of("linux"));
        MAY_USE.put("psk", List.of());
        MAY_USE.put("driver", List.of("linux", "uapi", "uring"));
        MAY_USE.put("kernel", List.of("linux", "uapi", "uring", "driver"));
        MAY_USE.put("embedded", List.of("linux", "uapi", "uring", "sharedmemory", "driver"));
        MAY_USE.put("server", List.of("linux", "uapi", "uring", "sharedmemory", "driver"));
        MAY_USE.put("client", List.of("linux", "uring", "sharedmemory", "handover"));
        MAY_USE.put(
                "testkit",
                List.of(
                        "trials",
                        "linux",
                        "uapi",
                        "uring",
                        "sharedmemory",
                        "driver",
                        "kernel",
                        "embedded",
                        "server",
                        "client"));
        MAY_USE.put(
                "sharing",
                List.of("linux", "uapi", "uring", "sharedmemory", "handover", "driver", "server"));
        MAY_USE.put(
                "targets", List.of("linux", "uapi", "uring", "sharedmemory", "driver", "server"));
        MAY_USE.put(
                "layers", List.of("linux", "uapi", "uring", "sharedmemory", "driver", "server"));
        MAY_USE.put(
                "qcow2",
                List.of("linux", "uapi", "uring", "sharedmemory", "driver", "server", "targets"));
        MAY_USE.put("rbd", List.of("linux", "uapi", "uring", "sharedmemory", "driver", "server"));
        MAY_USE.put(
                "crash",
                List.of(
                        "linux",
                        "uapi",
                        "uring",
                        "sharedmemory",
                        "driver",
                        "embedded",
                        "server",
                        "client",
                        "testkit",
                        "targets",
                        "layers"));
        MAY_USE.put(
                "exports",
                List.of("linux", "uapi", "uring", "sharedmemory", "driver", "embedded", "server"));
        MAY_USE.put(
                "nbd",
                List.of(
                        "linux",
                        "uapi",
                        "uring",
                        "sharedmemory",
                        "driver",
                        "embedded",
                        "server",
                        "exports"));
        MAY_USE.put(
                "vhostuser",
                List.of(
                        "linux",
                        "uapi",
                        "uring",
                        "sharedmemory",
                        "handover",
                        "driver",
                        "embedded",
                        "server",
                        "exports"));
        MAY_USE.put(
                "guest",
                List.of(
                        "linux",
                        "uapi",
                        "uring",
                        "sharedmemory",
                        "handover",
                        "driver",
                        "embedded",
                        "server",
                        "exports",
                        "vhostuser",
                        "layers",
                        "crash"));
    }

    /** Longer than they should be, and why. */
    private static final Map<String, String> LONG_FOR_A_REASON =
            Map.of(
                    "Device.java", "every call that its owner may make, with what it promises",
                    "DeviceLife.java", "every event that moves a device from state to state",
                    "OverlayMap.java", "a format of files, with its reader and its writer",
                    "Queue.java", "what a target calls, and in one place how a request ends",
                    "Request.java", "all that a target and a layer ask of a request",
                    "Ring.java", "one method for each operation of io_uring",
                    "RequestSplitter.java", "one algorithm, with the limits it is about",
                    "ZoneTable.java", "a format of files, with the conditions that it keeps");

    private static final JavaClasses CLASSES =
            new ClassFileImporter()
                    .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
                    .importPackages(
                            MAY_USE.keySet().stream().map(ROOT::concat).toArray(String[]::new));

    /** A few statements without a condition, and on it goes. */
    private static final Pattern UNDO_OF_SOME =
            Pattern.compile(
                    "catch \\((?:Runtime|Linux|IO)Exception(?: \\| \\w+)* e\\) \\{\\s+"
                            + "(?:(?!if |catch|throw )[^{}])*;\\s+throw e;\\s+\\}");

    /** Its classes stand in the packages of the classes that they race. */
    private static final String STRESS = "stress";

    /** A type that says nothing without another is a part of it. */
    private static final Map<String, String> PART_OF =
            Map.of(ROOT + "embedded.DiskCompletion", ROOT + "embedded.DiskRequest");

    /** Every module that has been built. */
    private static final JavaClasses HOUSE = house();

    private static JavaClasses house() {
        try (Stream<Path> folders = Files.list(Path.of("..").toRealPath())) {
            List<Path> built =
                    folders.filter(folder -> Files.isDirectory(folder.resolve("src/main/java")))
                            .filter(folder -> !folder.endsWith(STRESS))
                            .map(folder -> folder.resolve("target/classes"))
                            .filter(Files::isDirectory)
                            .toList();
            assertThat(built).as("modules that are built").hasSizeGreaterThan(10);
            return new ClassFileImporter().importPaths(built);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static Stream<String> modules() {
        return MAY_USE.keySet().stream();
    }

    @ParameterizedTest
    @MethodSource("modules")
    void aModuleUsesOnlyThoseBelowIt(String module) {
        List<String> others = new ArrayList<>(List.of("cli", "bench", "conformance"));
        others.addAll(MAY_USE.keySet());
        others.remove(module);
        others.removeAll(MAY_USE.getOrDefault(module, List.of()));
        noClasses()
                .that()
                .resideInAPackage(ROOT + module + "..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(
                        others.stream().map(other -> ROOT + other + "..").toArray(String[]::new))
                .allowEmptyShould(true)
                .check(CLASSES);
    }

    @Test
    void noModulesUseEachOther() {
        slices().matching(ROOT + "(*)..").should().beFreeOfCycles().check(HOUSE);
    }

    @Test
    void noPackagesUseEachOther() {
        slices().assignedFrom(slicedBy("packages", JavaClass::getPackageName))
                .should()
                .beFreeOfCycles()
                .check(HOUSE);
    }

    @Test
    void noClassesOfTheEmbeddedDriverUseEachOther() {
        slices().assignedFrom(slicedBy("classes", ArchitectureTest::outermost))
                .should()
                .beFreeOfCycles()
                .check(HOUSE.that(JavaClass.Predicates.resideInAPackage(ROOT + "embedded..")));
    }

    private static String outermost(JavaClass some) {
        String name = some.getName().replaceFirst("\\$.*", "");
        return PART_OF.getOrDefault(name, name);
    }

    private static SliceAssignment slicedBy(String what, Function<JavaClass, String> name) {
        return new SliceAssignment() {
            @Override
            public SliceIdentifier getIdentifierOf(JavaClass some) {
                return SliceIdentifier.of(name.apply(some));
            }

            @Override
            public String getDescription() {
                return what;
            }
        };
    }

    @Test
    void theSideOfTheServerThatServesExportsIsUsedByThemAlone() {
        noClasses()
                .that()
                .resideOutsideOfPackages(ROOT + "server..", ROOT + "exports..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage(ROOT + "server.spi..")
                .check(CLASSES);
    }

    /**
     * Programs on the module path enable native access for that module alone, and those that use
     * Ceph for a second one.
     */
    @Test
    void onlyTheLowestModuleCallsWhatNeedsNativeAccess() {
        noClasses()
                .that()
                .resideOutsideOfPackages(ROOT + "linux..", ROOT + "rbd..")
                .should()
                .callMethodWhere(
                        target(owner(assignableTo(MemorySegment.class)))
                                .and(target(name("reinterpret"))))
                .orShould()
                .dependOnClassesThat()
                .areAssignableTo(Linker.class)
                .orShould()
                .dependOnClassesThat()
                .areAssignableTo(SymbolLookup.class)
                .check(CLASSES);
    }

    @Test
    void noClassHasANameThatSaysNothing() {
        classes()
                .should()
                .haveSimpleNameNotEndingWith("Manager")
                .andShould()
                .haveSimpleNameNotEndingWith("Util")
                .andShould()
                .haveSimpleNameNotEndingWith("Utils")
                .andShould()
                .haveSimpleNameNotEndingWith("Impl")
                .andShould()
                .haveSimpleNameNotEndingWith("Helper")
                .check(CLASSES);
    }

    @Test
    void everyPackageIsNullMarked() {
        List<String> without = new ArrayList<>();
        collectUnmarked(CLASSES.getDefaultPackage(), without);
        assertThat(without).isEmpty();
    }

    private static void collectUnmarked(JavaPackage some, List<String> without) {
        boolean ours = some.getName().startsWith(ROOT) && !some.getClasses().isEmpty();
        if (ours && !some.isAnnotatedWith(NullMarked.class)) {
            without.add(some.getName());
        }
        some.getSubpackages().forEach(inner -> collectUnmarked(inner, without));
    }

    @Test
    void noClassIsTooLong() throws IOException {
        Path repository = Path.of("..").toRealPath();
        List<String> tooLong = new ArrayList<>();
        for (Path source : sources(repository)) {
            String name = source.getFileName().toString();
            long lines = Files.readAllLines(source).size();
            if (lines > MAX_LINES && !LONG_FOR_A_REASON.containsKey(name)) {
                tooLong.add("%s: %d lines".formatted(repository.relativize(source), lines));
            }
        }
        assertThat(tooLong).isEmpty();
    }

    /** Memory may end anywhere, and threads, and what has been begun is begun all the same. */
    @Test
    void whatIsUndoneBeforeItIsThrownOnIsUndoneWhateverItIs() throws IOException {
        Path repository = Path.of("..").toRealPath();
        List<String> partly = new ArrayList<>();
        for (Path source : sources(repository)) {
            Matcher undo = UNDO_OF_SOME.matcher(Files.readString(source));
            while (undo.find()) {
                partly.add("%s: %s".formatted(repository.relativize(source), undo.group()));
            }
        }
        assertThat(partly).isEmpty();
    }

    private static List<Path> sources(Path repository) throws IOException {
        List<Path> sources = new ArrayList<>();
        List<String> modules = new ArrayList<>(MAY_USE.keySet());
        modules.add("cli");
        for (String module : modules) {
            Path root = repository.resolve(module).resolve("src/main/java");
            if (Files.isDirectory(root)) {
                try (Stream<Path> files = Files.walk(root)) {
                    files.filter(file -> file.toString().endsWith(".java")).forEach(sources::add);
                }
            }
        }
        assertThat(sources).as("sources under %s", repository).hasSizeGreaterThan(50);
        return sources;
    }
}
