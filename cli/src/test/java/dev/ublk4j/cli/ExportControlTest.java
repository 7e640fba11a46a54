package dev.ublk4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayName("An export, from another process")
@Timeout(1200)
class ExportControlTest {
    @TempDir Path folder;

    @BeforeEach
    void makeFiles() throws Exception {
        run("truncate -s 1M a.img b.img c.img");
    }

    private String run(String script) throws IOException, InterruptedException {
        Program program = Program.shell(folder, "set -e -o pipefail\n" + script);
        assertThat(program.status()).as("%s: %s", script, program.err()).isZero();
        return program.out();
    }

    /** Serves in the background for as long as the rest of a script runs. */
    private static String serving(String line, String script) {
        return """
        served=$(ublk4j export nbd --socket $PWD/s --json --detach %s)
        pid=$(sed 's/.*"pid":\\([0-9]*\\).*/\\1/' <<<"$served")
        trap 'kill $pid; while kill -0 $pid 2>/dev/null; do sleep 0.1; done' EXIT
        %s
        """
                .formatted(line, script);
    }

    private Stream<String> left() throws IOException {
        try (Stream<Path> files = Files.list(folder.resolve("run"))) {
            return files
                    .map(each -> each.getFileName().toString())
                    .filter(name -> name.matches("e\\d.*"))
                    .toList()
                    .stream();
        }
    }

    @Test
    void isListedWithItsTargetUntilItEnds() throws Exception {
        String out =
                run(
                        serving(
                                "--name x --name y memory 1M mirror a.img b.img --log l.log",
                                "ublk4j list; ublk4j list e1 --json; echo \"$served\""));

        assertThat(out.lines().toList().get(1))
                .startsWith("e0 ")
                .contains(" live ", " 1M ", "nbd+unix:///x?socket=" + folder + "/s", "memory");
        assertThat(out)
                .contains("[{\"export\":\"e1\",\"protocol\":\"nbd\",")
                .contains("\"composition\":\"mirror(file:" + folder + "/a.img, ")
                .contains("\"exports\":[{\"export\":\"e0\",\"address\":");
        assertThat(left()).isEmpty();
    }

    @Test
    void isAskedForItsStatistics() throws Exception {
        String out = run(serving("stripe a.img b.img", "ublk4j stat; ublk4j stat -n e0 --json"));

        assertThat(out)
                .startsWith("export e0, stripe(file:" + folder + "/a.img")
                .contains("  leg 2 ")
                .contains("[{\"export\":\"e0\",");
    }

    @Test
    void commitsAnOverlayAndRefusesToResyncWhatIsNoMirror() throws Exception {
        String out =
                run(
                        serving(
                                "overlay a.img new.img --allow-commit",
                                "ublk4j commit e0; ublk4j commit -n e0; ublk4j resync e0 1 2>&1 || true"));

        assertThat(out).isEqualTo("ublk4j: leg 1 is not of a mirror\n");
    }

    @Test
    void thatWasKilledIsGoneFromTheListAndItsNameIsFreeAgain() throws Exception {
        String out =
                run(
                        """
                        json=$(ublk4j export nbd --socket $PWD/s --json --detach memory 1M)
                        kill -9 $(sed 's/.*"pid":\\([0-9]*\\).*/\\1/' <<<"$json")
                        ublk4j stat e0 2>&1 || true
                        """
                                + serving("memory 2M", "ublk4j list"));

        assertThat(out).contains("export e0 is not served by ublk4j");
        assertThat(out.lines().filter(line -> line.startsWith("e0 ")).toList())
                .singleElement()
                .asString()
                .contains(" 2M ");
        assertThat(left()).isEmpty();
    }

    @Test
    void getsAnotherSizeThatItsNextClientsAndTheListSee() throws Exception {
        String out =
                run(
                        serving(
                                "file a.img",
                                """
                                ublk4j resize -n e0 --size 2M --json
                                ublk4j list e0 --json
                                stat -c %s a.img
                                ublk4j resize e0 1000 2>&1 || true
                                ublk4j resize e0 512K
                                stat -c %s a.img
                                ublk4j list e0 --json
                                """));

        List<String> lines = out.lines().toList();
        assertThat(lines).hasSize(6);
        assertThat(lines.get(0))
                .startsWith("{\"export\":\"e0\",")
                .contains("\"size\":2097152,")
                .doesNotContain("start_ticks");
        assertThat(lines.get(1)).contains("\"size\":2097152,");
        assertThat(lines.get(2)).isEqualTo("2097152");
        assertThat(lines.get(3)).contains("not a multiple of");
        assertThat(lines.get(4)).isEqualTo("2097152");
        assertThat(lines.get(5)).contains("\"size\":524288,");
    }

    @Test
    void whoseSizeIsFixedKeepsIt() throws Exception {
        String out =
                run(
                        """
                        truncate -s 1000 odd.img
                        """
                                + serving(
                                        "--name odd --name m file odd.img memory 1M",
                                        """
                                        ublk4j resize e0 1M 2>&1 || true
                                        ublk4j resize e1 2M 2>&1 || true
                                        stat -c %s odd.img
                                        """));

        assertThat(out.lines().toList())
                .containsExactly(
                        "ublk4j: the 1000 bytes of export e0 are no whole number of blocks, and so"
                                + " its size is fixed",
                        "ublk4j: the size of this kind of device is fixed",
                        "1000");
    }

    @Test
    void isEndedByItsNameWithAllThatItsServerServes() throws Exception {
        String out =
                run(
                        """
                        ublk4j export nbd --socket $PWD/s --detach --name x --name y memory 1M memory 2M
                        ublk4j export nbd --socket $PWD/t --detach memory 3M
                        { ublk4j del e0 2>&1 || true; } | sed 's/process [0-9]*/process N/'
                        ublk4j list | wc -l
                        ublk4j del e2 -n e1 e0
                        ls s t run/e* 2>/dev/null || true
                        ublk4j del e0 2>&1 || true
                        """);

        assertThat(out.lines().skip(3).toList())
                .containsExactly(
                        "ublk4j: process N serves e0, e1, and ends with all of them; to end it,"
                                + " name them all",
                        "4",
                        "ublk4j: export e0 is not served by ublk4j");
    }

    @Test
    void failsAsItIsTold() throws Exception {
        String out =
                run(
                        serving(
                                "fault file a.img",
                                """
                                ublk4j fault e0
                                ublk4j fault e0 torn,op=write,next=3
                                ublk4j fault -n e0 hang,op=flush --json
                                ublk4j fault e0 release --leg top
                                ublk4j fault e0 clear 7 2>&1 || true
                                ublk4j fault e0 clear 1
                                ublk4j fault e0 lost --leg 2 2>&1 || true
                                ublk4j fault e0 tron 2>&1 | head -n 1 || true
                                """));

        assertThat(out.lines().toList())
                .containsExactly(
                        "LEG  NUMBER  FAULT  STRUCK  HANGING",
                        "LEG  NUMBER  FAULT            STRUCK  HANGING",
                        "top  1       torn=512,next=3  0       0",
                        "{\"faults\":[{\"leg\":\"top\",\"number\":1,\"fault\":\"torn=512,next=3\","
                                + "\"struck\":0,\"hanging\":0},{\"leg\":\"top\",\"number\":2,"
                                + "\"fault\":\"hang,op=flush\",\"struck\":0,\"hanging\":0}]}",
                        "LEG  NUMBER  FAULT            STRUCK  HANGING",
                        "top  1       torn=512,next=3  0       0",
                        "ublk4j: there is no fault 7",
                        "LEG  NUMBER  FAULT  STRUCK  HANGING",
                        "ublk4j: there is no fault layer over leg 2; those are: top",
                        "ublk4j: 'tron' is nothing that goes wrong, in: tron; there are error,"
                                + " delay, hang, torn, lost, misdirected, rot, full, write-protect; see:"
                                + " ublk4j fault --help");
    }

    @Test
    void withoutAFaultLayerSaysHowToHaveOne() throws Exception {
        String out =
                run(serving("memory 1M", "ublk4j fault e0 lost 2>&1 || true; ublk4j fault e0"));

        assertThat(out.lines().toList())
                .containsExactly(
                        "ublk4j: nothing in the device's target is a fault layer; add it with"
                                + " --layer fault",
                        "LEG  NUMBER  FAULT  STRUCK  HANGING");
    }

    @Test
    void withAMirrorThatHasLostALegIsListedAsDegraded() throws Exception {
        assumeTrue(
                Program.shell(folder, "command -v qemu-io").status() == 0,
                "qemu-io is not installed");
        String out =
                run(
                        serving(
                                "mirror a.img 'fault(b.img; error=EIO, op=write)' --log l.log",
                                """
                                ublk4j list e0 | tail -n 1
                                qemu-io -f raw -c 'write 0 4k' "nbd+unix:///?socket=$PWD/s" >/dev/null
                                ublk4j list e0 | tail -n 1
                                ublk4j list --json
                                """));

        assertThat(out.lines().toList())
                .satisfies(lines -> {
                    assertThat(lines.get(0)).startsWith("e0  live ");
                    assertThat(lines.get(1)).startsWith("e0  degraded ");
                    assertThat(lines.get(2)).contains("\"degraded\":true}");
                });
    }

    @Test
    void thatThereIsNotIsSaid() throws Exception {
        Program program =
                Program.shell(folder, "ublk4j list e7; ublk4j resync e7 1; ublk4j stat -n 0x");

        assertThat(program.err().lines().toList())
                .hasSize(3)
                .satisfies(lines -> {
                    assertThat(lines.get(0)).contains("there is no export e7");
                    assertThat(lines.get(1)).contains("export e7 is not served by ublk4j");
                    assertThat(lines.get(2)).contains("'0x' is neither the number of a device");
                });
    }

    /** Runs a command without the power of root to pass by permissions. */
    private static final String PLAINLY =
            """
            export -f ublk4j
            plainly() {
                if [ $(id -u) = 0 ]; then
                    setpriv --bounding-set=-all --inh-caps=-all bash -c '"$@"' _ "$@"
                else
                    "$@"
                fi
            }
            """;

    @Test
    void ofWhoseServerAUserMayNotAskSaysSo() throws Exception {
        String out =
                run(
                        serving(
                                "memory 1M",
                                PLAINLY
                                        + """
                                        chmod 0 run/e0.json run/e0.control
                                        for command in stat resize,2M resync,1 commit del; do
                                            read -r verb rest <<<${command/,/ }
                                            plainly ublk4j $verb e0 $rest 2>&1 || echo $?
                                        done
                                        chmod 600 run/e0.json run/e0.control
                                        id -un
                                        """));

        List<String> lines = out.lines().toList();
        String user = lines.getLast();
        String may = user.equals("root") ? user : user + " and root";
        for (int i = 0; i < 5; i++) {
            assertThat(lines.get(2 * i))
                    .isEqualTo(
                            "ublk4j: no permission for export e0 (EACCES): it is served by %s, and"
                                    + " its server takes commands of %s only",
                            user, may);
            assertThat(lines.get(2 * i + 1)).isEqualTo("1");
        }
        assertThat(lines).hasSize(11);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    >/dev/full  | No space left on device
                    1</dev/null | Bad file descriptor
                    """)
    void isNotToldOfWhereTheOutputCannotBeWritten(String output, String why) throws Exception {
        String out =
                run(
                        serving(
                                "mirror a.img b.img --log l.log",
                                """
                                while read -r command; do
                                    ublk4j $command %s </dev/null && status=0 || status=$?
                                    echo "$status $command"
                                done 2>&1 <<'COMMANDS'
                                list
                                stat e0 --json
                                resize e0 2M --json
                                COMMANDS
                                """
                                        .formatted("2>&1 " + output)));

        assertThat(out.lines().filter(line -> line.startsWith("ublk4j: ")).distinct())
                .containsOnly("ublk4j: cannot write to the standard output: " + why);
        assertThat(out.lines().filter(line -> !line.startsWith("ublk4j: ")))
                .hasSize(3)
                .allMatch(line -> line.startsWith("1 "));
    }

    @ParameterizedTest
    @ValueSource(strings = {"run/starting-*.log", "s", "run/e0.json", "run/nbd-*.log"})
    void whoseCommandIsToldToEndBeforeItHasToldOfItIsGone(String seen) throws Exception {
        Process command = Program.start(folder, "export nbd --socket s --detach memory 1M");
        try {
            while (command.isAlive() && !isThere(seen)) {
                Thread.sleep(1);
            }
            command.destroy();
            assertThat(command.waitFor()).isIn(0, 128 + 15);
            if (Files.size(folder.resolve("program.out")) > 0) {
                run("ublk4j del e0 2>&1 || true");
            }
        } finally {
            command.destroyForcibly();
        }
        assertThat(folder.resolve("s")).doesNotExist();
        assertThat(isThere("run/starting-*.log")).isFalse();
        assertThat(isThere("run/e*.json")).isFalse();
    }

    private boolean isThere(String pattern) throws IOException {
        Path file = folder.resolve(pattern);
        if (!Files.isDirectory(file.getParent())) {
            return false;
        }
        try (DirectoryStream<Path> found =
                Files.newDirectoryStream(file.getParent(), file.getFileName().toString())) {
            return found.iterator().hasNext();
        }
    }
}
