package dev.ublk4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.cli.output.Failure;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.Target;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
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
                .hasMessageContaining("takes no arguments");
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
                .hasMessage("java.lang.String does not implement dev.ublk4j.server.Target");
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
                .hasMessageContaining(jar + " is no jar");
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

    /** What both have. */
    public abstract static class Sample implements Target {
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
}
