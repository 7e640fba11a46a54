package dev.ublk4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.cli.output.Json;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.core.JsonParser;

@DisplayName("What is printed")
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class OutputTest {
    /** Those in the background, whose logs bear their numbers. */
    private static final String END_SERVERS =
            "for log in run/nbd-*.log; do pid=${log%.log}; kill ${pid##*-} 2>/dev/null; done";

    @TempDir Path folder;

    @ParameterizedTest(name = "ublk4j {0}")
    @ValueSource(
            strings = {
                "--help",
                "--version",
                "help add",
                "help --man",
                "doctor",
                "doctor --json",
                "completion",
                "export nbd --socket s memory --size 1M",
                "export nbd --detach --socket s memory --size 1M"
            })
    void thatCannotBeWrittenFailsTheCommand(String line) throws Exception {
        Program program =
                Program.shell(
                        folder,
                        "ublk4j %s >/dev/full; status=$?; %s; ".formatted(line, END_SERVERS)
                                + "exit $status");

        assertThat(program.err().strip())
                .isEqualTo("ublk4j: cannot write to the standard output: No space left on device");
        assertThat(program.status()).isEqualTo(Main.FAILED);
    }

    @ParameterizedTest(name = "ublk4j {0}")
    @ValueSource(strings = {"help --man", "doctor", "export nbd --socket s memory --size 1M"})
    void thatNobodyReadsEndsTheCommandQuietly(String line) throws Exception {
        Program program =
                Program.shell(folder, "ublk4j " + line + " | true; exit ${PIPESTATUS[0]}");

        assertThat(program.err()).isEmpty();
        assertThat(program.status()).isEqualTo(141);
    }

    @Test
    void toNoTerminalHasNoEscapes() throws Exception {
        Program program =
                Program.shell(
                        folder, "export TERM=xterm; ublk4j --help; ublk4j frob; ublk4j del 99");

        assertThat(program.out() + program.err()).contains("Usage:", "frob").doesNotContain("\033");
    }

    @ParameterizedTest(name = "ublk4j {0}")
    @ValueSource(
            strings = {
                "list --json --frob",
                "list --json x",
                "lst --json",
                "stat --json --watch 0",
                "resize 99 1M --json",
                "shmem list --json 99",
                "export nbd --json --tls x null",
                "export nbd --socket s --json file /no/such/\"file",
                "add null --json -q 0"
            })
    void isJsonWhereThatWasAskedForAlsoOfAnError(String line) {
        Run run = Run.of(line.split(" ", -1));

        assertThat(run.status()).isNotZero();
        assertThat(run.out().lines()).hasSize(1);
        try (JsonParser json = Json.parser(run.out())) {
            json.nextToken();
            json.nextToken();
            assertThat(json.currentName()).isEqualTo("error");
            json.nextToken();
            assertThat("ublk4j: " + json.getString()).isEqualTo(run.err().strip());
            json.nextToken();
            assertThat(json.nextToken()).isNull();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {5, 6, 7, 8, 9, 10, 12, 14, 16, 20})
    void whereNoClassCanBeLoadedThatIsSaidOnOneLine(int descriptors) throws Exception {
        Program program =
                Program.shell(folder, "ulimit -n " + descriptors + "; ublk4j demo --size 8M");

        assertThat(program.status()).isNotZero();
        assertThat(program.err()).doesNotContain("\tat ", "Exception in thread");
    }
}
