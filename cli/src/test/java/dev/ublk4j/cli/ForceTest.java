package dev.ublk4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.ublk4j.cli.output.Failure;
import dev.ublk4j.server.Target;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code --force}, from the words to a file that somebody uses; needs loop devices, and root. */
class ForceTest {
    @TempDir Path folder;

    private String loop = "";

    @BeforeEach
    void useAFile() throws Exception {
        Program made =
                Program.shell(
                        folder,
                        "truncate -s 1M used.img free.img"
                                + " && test -w /dev/loop-control && losetup --show -f used.img");
        assumeTrue(made.status() == 0, "no loop devices here");
        loop = made.out().strip();
    }

    @AfterEach
    void detach() throws Exception {
        if (!loop.isEmpty()) {
            assertThat(Program.shell(folder, "losetup -d " + loop).status()).isZero();
        }
    }

    private TargetKind kind(String line) {
        return TargetWords.read(Words.of(line.replaceAll("\\b(used|free)\\.img", folder + "/$0")))
                .kind();
    }

    private void assertOpens(TargetKind kind) {
        try (Target target = kind.openShaped()) {
            assertThat(target.geometry().size()).isPositive();
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"file used.img", "file used.img --buffered", "concat free.img used.img"})
    void isNeededForAFileThatIsInUseAndEnough(String line) {
        assertThatThrownBy(() -> kind(line).openShaped())
                .isInstanceOf(Failure.class)
                .hasMessageContaining(folder + "/used.img is in use")
                .hasMessageContaining("--force serves it anyway");

        // As recover does it, whose words stay as they are.
        TargetKind forced = kind(line);
        assertThat(forced.force()).isTrue();
        assertOpens(forced);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "file used.img --force",
                "file used.img --force --buffered",
                "concat free.img used.img,force",
                "file used.img -r"
            })
    void isAmongTheWordsOfATarget(String line) {
        TargetKind kind = kind(line);
        assertOpens(kind);
        // And among those that the next server is started with.
        assertOpens(TargetWords.read(Words.of("concat '" + kind.spec() + "'")).kind());
    }

    @Test
    void isAnOptionOfTheCommand() throws Exception {
        Program refused =
                Program.shell(folder, "ublk4j export nbd --socket s --detach file used.img");
        assertThat(refused.status()).isEqualTo(1);
        assertThat(refused.err().lines())
                .singleElement()
                .asString()
                .contains("is in use", "--force");

        Program forced =
                Program.shell(
                        folder,
                        "ublk4j export nbd --socket s --detach file used.img --force"
                                + " && ublk4j list && ublk4j del e0");
        assertThat(forced.err()).isEmpty();
        assertThat(forced.status()).isZero();
        assertThat(forced.out()).contains("used.img");
        assertThat(Files.exists(folder.resolve("s"))).isFalse();
    }
}
