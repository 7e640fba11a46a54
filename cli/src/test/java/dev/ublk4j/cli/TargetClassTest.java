package dev.ublk4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.cli.output.Failure;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.SimpleTarget;
import dev.ublk4j.server.Target;
import dev.ublk4j.server.TargetProvider;
import dev.ublk4j.targets.NullTarget;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("A target class of one's own")
class TargetClassTest {
    @TempDir Path folder;

    private static TargetClass load(Class<?> type) {
        return TargetClass.load(type.getName(), List.of());
    }

    @Test
    void isGivenItsArguments() {
        try (Target target = load(Sized.class).create(List.of("8192"))) {
            assertThat(target.geometry().size()).isEqualTo(8192);
        }
    }

    @Test
    void mayTakeNone() {
        try (Target target = load(Plain.class).create(List.of())) {
            assertThat(target.geometry().size()).isEqualTo(4096);
        }
    }

    @Test
    void thatTakesNoneRefusesThem() {
        assertThatThrownBy(() -> load(Plain.class).create(List.of("1")))
                .isInstanceOf(Failure.class)
                .hasMessageContaining("no public constructor")
                .hasMessageContaining("[1]");
    }

    @Test
    void mayTakeASize() {
        try (Target target = load(RamDisk.class).create(List.of("64K"))) {
            assertThat(target.geometry().size()).isEqualTo(65536);
        }
    }

    @Test
    void mayTakeOneOfEachType() {
        List<String> words = List.of("-1", "1M", "name", "/srv/disk", "true");
        try (Mixed target = (Mixed) load(Mixed.class).create(words)) {
            assertThat(target.given)
                    .containsExactly(-1L, 1 << 20, "name", Path.of("/srv/disk"), true);
        }
    }

    @Test
    void saysWhichArgumentIsWrong() {
        assertRefused("argument 1: 'much' is not a size", "much", "1", "a", "b", "true");
        assertRefused("argument 2: '4G' does not fit into 32 bits", "1", "4G", "a", "b", "true");
        assertRefused("argument 4: Nul character not allowed", "1", "1", "a", "\0", "true");
        assertRefused("argument 5: 'yes' is not true or false", "1", "1", "a", "b", "yes");
        assertRefused("no public constructor", "1");
    }

    private static void assertRefused(String reason, String... words) {
        assertThatThrownBy(() -> load(Mixed.class).create(List.of(words)))
                .isInstanceOf(Failure.class)
                .hasMessageContaining(reason);
    }

    @Test
    void thatIsGivenWhatTwoConstructorsTakeSaysSo() {
        assertThatThrownBy(() -> load(Ambiguous.class).create(List.of("1")))
                .isInstanceOf(Failure.class)
                .hasMessageContaining("several public constructors")
                .hasMessageContaining("[1]");
        try (Target target = load(Ambiguous.class).create(List.of("4096", "1"))) {
            assertThat(target.geometry().size()).isEqualTo(4096);
        }
    }

    @Test
    void isNotGivenWhatNobodyCanWrite() {
        assertThatThrownBy(() -> load(Unwritable.class).create(List.of("1")))
                .isInstanceOf(Failure.class)
                .hasMessageContaining("no public constructor");
    }

    @Test
    void thatThrowsSaysWhy() {
        assertThatThrownBy(() -> load(Sized.class).create(List.of("much")))
                .isInstanceOf(Failure.class)
                .hasMessageContaining("cannot be created")
                .hasMessageContaining("much");
    }

    @Test
    void mustBeATarget() {
        assertThatThrownBy(() -> load(String.class))
                .isInstanceOf(Failure.class)
                .hasMessage(
                        "java.lang.String is no target: it does not implement"
                                + " dev.ublk4j.server.SimpleTarget, or dev.ublk4j.server.Target");
    }

    @Test
    void mustExist() {
        assertThatThrownBy(() -> TargetClass.load("com.example.Foo", List.of()))
                .isInstanceOf(Failure.class)
                .hasMessageContaining("there is no class com.example.Foo");
    }

    @Test
    void needsAJarThatExists() {
        Path jar = folder.resolve("none.jar");

        assertThatThrownBy(() -> TargetClass.load("com.example.Foo", List.of(jar)))
                .isInstanceOf(Failure.class)
                .hasMessage("no such file: " + jar);
    }

    @Test
    void needsAJarThatIsOne() throws IOException {
        Path jar = Files.writeString(folder.resolve("broken.jar"), "no zip");

        assertThatThrownBy(() -> TargetClass.load("com.example.Foo", List.of(jar)))
                .isInstanceOf(Failure.class)
                .hasMessageContaining(jar + " is not a jar file");
    }

    @Test
    void thatIsDamagedSaysSo() throws IOException {
        Files.createDirectories(folder.resolve("com/example"));
        Files.write(folder.resolve("com/example/Foo.class"), new byte[] {1, 2, 3, 4});

        assertThatThrownBy(() -> TargetClass.load("com.example.Foo", List.of(folder)))
                .isInstanceOf(Failure.class)
                .hasMessageContaining("com.example.Foo cannot be loaded: ClassFormatError");
    }

    /** A target that takes its size. */
    public static final class Sized extends Sample {
        /** Takes a size. */
        public Sized(String... arguments) {
            super(Long.parseLong(arguments[0]));
        }
    }

    /** A target that takes nothing. */
    public static final class Plain extends Sample {
        /** Creates a page. */
        public Plain() {
            super(4096);
        }
    }

    /** A target as people write it. */
    public static final class RamDisk extends Sample {
        /** Takes a size. */
        public RamDisk(long size) {
            super(size);
        }
    }

    /** A target that takes all that can be given. */
    public static final class Mixed extends Sample {
        final List<Object> given;

        /** Takes one of each. */
        public Mixed(long number, int small, String text, Path path, boolean flag) {
            super(4096);
            given = List.of(number, small, text, path, flag);
        }
    }

    /** A target that can be made of one thing in two ways. */
    public static final class Ambiguous extends Sample {
        /** Takes a size. */
        public Ambiguous(long size) {
            super(size);
        }

        /** Takes a file. */
        public Ambiguous(Path file) {
            super(file.getNameCount());
        }

        /** Takes a size and something else. */
        public Ambiguous(long size, int other) {
            super(size * other);
        }
    }

    /** A target that takes what is no word. */
    public static final class Unwritable extends Sample {
        /** Takes bytes. */
        public Unwritable(byte[] bytes) {
            super(bytes.length);
        }
    }

    /** What all have. */
    public abstract static class Sample implements SimpleTarget {
        private final long size;

        /** Takes a size in bytes. */
        Sample(long size) {
            this.size = size;
        }

        @Override
        public Geometry geometry() {
            return Geometry.ofSize(size);
        }

        @Override
        public int read(Request request) {
            return 0;
        }

        @Override
        public int write(Request request) {
            return 0;
        }
    }

    /** Named by the jar that the test makes. */
    public static final class Named implements TargetProvider {
        @Override
        public String name() {
            return "named";
        }

        @Override
        public String description() {
            return "zeroes of a SIZE";
        }

        @Override
        public Target create(List<String> arguments) {
            return new NullTarget(Long.parseLong(arguments.getFirst()));
        }
    }

    @Test
    void isFoundByTheNameThatItsJarGivesIt(@TempDir Path folder) throws IOException {
        Path jar = folder.resolve("named.jar");
        try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(jar))) {
            out.putNextEntry(new JarEntry("META-INF/services/" + TargetProvider.class.getName()));
            out.write(Named.class.getName().getBytes(StandardCharsets.UTF_8));
        }
        try (Target target = TargetClass.create("named", List.of(jar), List.of("8192"))) {
            assertThat(target.geometry().size()).isEqualTo(8192);
        }
        assertThatThrownBy(() -> TargetClass.create("other", List.of(jar), List.of()))
                .isInstanceOf(Failure.class)
                .hasMessageContaining("there is no target 'other' in " + jar)
                .hasMessageEndingWith("there is: named, zeroes of a SIZE");
        assertThatThrownBy(() -> TargetClass.create("named", List.of(jar), List.of("much")))
                .isInstanceOf(Failure.class)
                .hasMessageContaining("named cannot be created")
                .hasMessageContaining("much");
    }
}
