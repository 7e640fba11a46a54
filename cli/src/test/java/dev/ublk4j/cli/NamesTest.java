package dev.ublk4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.cli.output.Failure;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayName("Names of files")
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class NamesTest {
    @TempDir Path folder;

    @Test
    void thatAreNoTextAreRefusedWithTheirBytes() {
        byte[] line = {'a', 0, 'x', (byte) 0xff, 0};

        assertThatThrownBy(() -> Names.checkBytes(line, StandardCharsets.UTF_8))
                .isInstanceOf(Failure.class)
                .hasMessageStartingWith("'x\\xff' is not valid UTF-8");
    }

    @Test
    void mayHoldTheReplacementCharacterItself() {
        byte[] line = "a\0\uFFFD\0".getBytes(StandardCharsets.UTF_8);

        assertThatCode(() -> Names.checkBytes(line, StandardCharsets.UTF_8))
                .doesNotThrowAnyException();
    }

    @Test
    void thatTheLocaleCannotWriteAreRefusedWithWhatToSet() {
        byte[] line = "a\0ü\0".getBytes(StandardCharsets.UTF_8);

        assertThatThrownBy(() -> Names.checkBytes(line, StandardCharsets.US_ASCII))
                .hasMessageContaining("LC_ALL=C.UTF-8");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "export nbd file $'x\\xff'",
                "export nbd --socket $'x\\xff' null",
                "export nbd --certificates $'x\\xff' --tls required null",
                "export nbd --psk $'x\\xff' --tls required null",
                "add target --class A --jar $'x\\xff'",
                "add null --shmem-file $'x\\xff'"
            })
    void thatAreNotUtf8AreRefusedWhereverTheyStand(String line) throws Exception {
        Program program = Program.shell(folder, "export LC_ALL=C.UTF-8; ublk4j " + line);

        assertThat(program.err().lines())
                .singleElement()
                .asString()
                .startsWith("ublk4j: 'x\\xff' is not valid UTF-8");
        assertThat(program.status()).isEqualTo(Main.MISUSED);
    }

    @Test
    void ofTheCurrentFolderAndOfTheEnvironmentAreCheckedToo() throws Exception {
        Program program =
                Program.shell(
                        folder,
                        """
                        export LC_ALL=C.UTF-8
                        UBLK4J_RUN=$'/x\\xff' ublk4j export nbd --detach null
                        mkdir $'d\\xff'; cd $'d\\xff'; ublk4j export nbd file x
                        """);

        assertThat(program.err().lines())
                .hasSize(2)
                .allMatch(line -> line.contains("not valid UTF-8"), "says why");
    }

    /** A pair of blanks, an umlaut, a line break, a quote, a percent sign and an at sign. */
    @ParameterizedTest
    @ValueSource(strings = {"a  b", "größe", "line\nbreak", "quo'te\"", "100%s", "@file", "日本"})
    void mayBeAnythingThatIsText(String name) throws Exception {
        String quoted = "'" + name.replace("'", "'\\''") + "'";
        Program program =
                Program.shell(
                        folder,
                        """
                        export LC_ALL=C.UTF-8
                        name=%s
                        truncate -s 1M "$name"
                        said=$(ublk4j export nbd --json --detach --socket "$name.sock" \
                            file --buffered "$name") || exit
                        pid=${said#*pid\\":}
                        test -S "$name.sock" && echo "$said"
                        kill "${pid%%%%,*}"
                        """
                                .formatted(quoted));

        assertThat(program.err()).isEmpty();
        assertThat(program.out().lines()).singleElement().asString().contains("\"source\"");
    }

    @Test
    void inMessagesDoNotBreakTheLine() {
        Run run = Run.of("export", "nbd", "--socket", "s", "file", "no\nsuch\033[31m");

        assertThat(run.err()).isEqualTo("ublk4j: no such file: no\\nsuch\\x1b[31m\n");
    }
}
