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
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.core.JsonParser;

@DisplayName("What is printed")
@Timeout(value = 20, unit = TimeUnit.MINUTES)
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
                "demo pagecache --transactions 10",
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
                .isEqualTo(
                        "ublk4j: cannot write to the standard output: No space left on device"
                                + (line.contains("--detach")
                                        ? "; it is served all the same: nbd+unix:///?socket=s"
                                        : ""));
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
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    mkdir pki                                             | no such file: pki/server-key.pem
                    mkdir -p pki/server-key.pem                           | Is a directory
                    mkdir pki; echo 'a key' >pki/server-key.pem           | has no private key in PEM form
                    mkdir pki; printf '%s\\n' '-----BEGIN PRIVATE KEY-----' aGV '-----END PRIVATE KEY-----' >pki/server-key.pem | is a key of an unknown kind
                    """)
    void saysWhatIsWrongWithACertificate(String files, String said) throws Exception {
        Program program =
                Program.shell(
                        folder,
                        files
                                + "; ublk4j export nbd --socket s --tls offered --certificates pki null");

        assertThat(program.err()).hasLineCount(1).contains(said.strip());
        assertThat(program.status()).isEqualTo(Main.FAILED);
    }

    @Test
    void hasTheDigitsThatProgramsReadInEveryLocale() throws Exception {
        Program program =
                Program.shell(
                        folder,
                        "export JAVA_TOOL_OPTIONS='-Duser.language=ar -Duser.country=EG';"
                                + " ublk4j demo --driver embedded --size 8M; ublk4j export nbd"
                                + " --detach --listen 127.0.0.1:0 memory --size 1M; "
                                + END_SERVERS);

        assertThat(program.out())
                .contains("8 MiB each way")
                .containsPattern("nbd://127\\.0\\.0\\.1:[0-9]+/");
    }

    @ParameterizedTest
    @ValueSource(ints = {5, 6, 7, 8, 9, 10, 12, 14, 16, 20, 24})
    void whereNoClassCanBeLoadedThatIsSaidOnOneLine(int descriptors) throws Exception {
        Program program =
                Program.shell(folder, "ulimit -n " + descriptors + "; ublk4j demo --size 8M");

        assertThat(program.status()).isNotZero();
        assertThat(program.err()).doesNotContain("\tat ", "Exception in thread");
    }
}
