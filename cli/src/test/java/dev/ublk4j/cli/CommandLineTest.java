package dev.ublk4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import dev.ublk4j.cli.doctor.Examination;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;

@DisplayName("The command line")
class CommandLineTest {
    static Stream<String> everyCommand() {
        Set<String> names = new LinkedHashSet<>();
        ArrayDeque<CommandLine> left = new ArrayDeque<>();
        left.add(Main.commandLine());
        while (!left.isEmpty()) {
            CommandLine command = left.remove();
            names.add(
                    command.getCommandSpec().qualifiedName().substring("ublk4j".length()).strip());
            left.addAll(new LinkedHashSet<>(command.getSubcommands().values()));
        }
        return names.stream();
    }

    private static CommandLine find(String[] words) {
        CommandLine command = Main.commandLine();
        for (String word : words) {
            command = Objects.requireNonNull(command.getSubcommands().get(word), word);
        }
        return command;
    }

    private static String[] words(String line) {
        return line.isEmpty() ? new String[0] : line.split(" ", -1);
    }

    @ParameterizedTest(name = "ublk4j {0} --help")
    @MethodSource("everyCommand")
    void helpOfEveryCommandListsItsOptions(String line) {
        String[] words = words(line);
        String[] asked = Arrays.copyOf(words, words.length + 1);
        asked[words.length] = "--help";

        Run run = Run.of(asked);

        assertThat(run.status()).isZero();
        assertThat(run.err()).isEmpty();
        for (OptionSpec option : find(words).getCommandSpec().options()) {
            assertThat(run.out()).contains(option.names());
        }
    }

    static Stream<String> everyNameOfACommand() {
        return Main.commandLine().getSubcommands().keySet().stream();
    }

    @ParameterizedTest(name = "ublk4j {0}")
    @MethodSource("everyNameOfACommand")
    void isTheSameWhereOnlyTheCommandThatIsNamedIsRead(String name) {
        CommandLine whole = find(new String[] {name});
        CommandLine read =
                Objects.requireNonNull(Main.commandLineFor(name).getSubcommands().get(name), name);

        assertThat(read.getUsageMessage()).isEqualTo(whole.getUsageMessage());
        assertThat(read.getCommandSpec().optionsMap().keySet())
                .isEqualTo(whole.getCommandSpec().optionsMap().keySet());
    }

    @Test
    void readsOneCommandWhereItIsNamedFirst() {
        assertThat(Main.commandLineFor("List", "3").getSubcommands())
                .containsOnlyKeys("list", "ls");
        assertThat(Main.commandLineFor("--debug", "list").getSubcommands()).containsKey("add");
        assertThat(Main.commandLineFor("help", "list").getSubcommands()).containsKey("add");
    }

    @ParameterizedTest(name = "ublk4j {0}")
    @MethodSource("everyCommand")
    void everyCommandSaysWhatItIs(String line) {
        assertThat(find(words(line)).getCommandSpec().usageMessage().description()).isNotEmpty();
    }

    @ParameterizedTest(name = "ublk4j {0}")
    @ValueSource(
            strings = {
                "",
                "frobnicate",
                "add",
                "add frob",
                "add null --frob",
                "add null -q",
                "add null -q x",
                "add null -q 0",
                "add null -d 5000",
                "add null --max-io 1000",
                "add null --size 1000",
                "add null --size 1G --block-size 3K",
                "add null --size 1G --block-size 8K",
                "add memory",
                "add memory --size many",
                "add file",
                "add file a b",
                "add file a -f b",
                "add target",
                "export",
                "export frob",
                "export nbd",
                "export nbd frob",
                "export nbd memory",
                "export vhost-user --socket s null --size 1000",
                "export vhost-user --fd nobody null",
                "export vhost-user --fd 3 --socket s null",
                "export vhost-user --fd 3 --detach null",
                "export nbd -q 0 null",
                "export nbd null null",
                "export nbd --name a null null",
                "export nbd --name a --name a null null",
                "export nbd --description a --description b null",
                "export nbd --verify-clients null",
                "export nbd --tls required --certificates pki --allow-client CN=a null",
                "export nbd --tls required --certificates pki --verify-clients --allow-client a null",
                "export nbd --listen 1.2.3.4 null",
                "export nbd --listen 127.0.0.1:x null",
                "export nbd --listen 127.0.0.1:70000 null",
                "export nbd --listen ::1:10809 null",
                "export nbd --max-connections 0 null",
                "export nbd --tls required null",
                "export nbd --certificates pki null",
                "export nbd --psk keys.psk null",
                "export nbd --tls required --psk keys.psk --certificates pki null",
                "export nbd --tls required --psk keys.psk --verify-clients null",
                "export nbd --tls required --psk keys.psk --allow-client CN=a null",
                "add nbd nbd://alice@host/ --psk keys.psk",
                "add nbd nbd://alice@host/?tls-psk-file=/keys.psk",
                "add nbd nbds://alice@host/?tls-psk-file=keys.psk",
                "add nbd nbds://alice@host/?tls-psk-file=/keys.psk --psk keys.psk",
                "add nbd nbds://alice@host/ --psk keys.psk --certificates pki",
                "add nbd nbds://alice:00112233@host/ --psk keys.psk",
                "add null --shmem-read-only",
                "add null --shmem-limit 1G",
                "add null --shmem --shmem-user nobody-of-that-name",
                "add null --shmem --shmem-limit much",
                "shmem",
                "shmem frob",
                "shmem list x",
                "shmem add",
                "shmem add 0",
                "shmem add x --file f",
                "add null --adopt-user nobody-of-that-name",
                "shmem adopt",
                "shmem adopt 0",
                "shmem adopt 0 --pid x",
                "shmem adopt 0 --pid 0",
                "shmem adopt 0 --pid 1 --mapping x",
                "shmem remove",
                "shmem remove 0",
                "shmem remove 0 x",
                "del",
                "del 1 --all",
                "del x",
                "list x",
                "stop",
                "add null --unprivileged --recovery wait",
                "add null --unprivileged -u",
                "add null --unprivileged -z",
                "stop x",
                "stop --all",
                "add null --cpus",
                "add null --cpus 3-1",
                "add null --dma-alignment 3000",
                "add null --dma-alignment 256",
                "add null --io-desc-size 0",
                "add null --io-desc-size 16",
                "add null --io-desc-size 28",
                "add null --io-desc-size 264",
                "add null --max-segments 0",
                "add null --max-segments 70000",
                "add null --max-segment-size 1K",
                "add null --segment-boundary 12K",
                "add null --recovery",
                "add null --recovery never",
                "add null --or-recover",
                "add null --or-recover -n 3",
                "add memory --size 1G --recovery wait",
                "recover",
                "recover x",
                "recover 1 2",
                "quiesce",
                "resize 1",
                "resize",
                "resize 1 many",
                "resize x 1G",
                "resize -n 1",
                "resize -n 1 2 1G",
                "resize -n 1 --size 1G 2G",
                "recover -n x",
                "recover 1 -n 1",
                "quiesce 1 -n 1",
                "shmem add 1 -n 1 --file f",
                "shmem remove -n 1",
                "stat x",
                "stat --watch 0",
                "help frob",
                "frobnicate --help",
                "add frob --help",
                "frobnicate --version",
                "demo pagecache --frames 0",
                "demo pagecache --frames -1",
                "demo pagecache --transactions -1",
                "demo pagecache --transactions 0"
            })
    void misuseEndsWithStatusTwoAndOneLine(String line) {
        Run run = Run.of(words(line));

        assertThat(run.status()).isEqualTo(2);
        assertThat(run.out()).isEmpty();
        assertThat(run.errorLines())
                .singleElement()
                .asString()
                .startsWith("ublk4j: ")
                .contains("; see: ublk4j");
    }

    @ParameterizedTest(name = "ublk4j {0}")
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    @                                      | unknown command ''
                    add @                                  | unknown target ''
                    add file @                             | FILE is empty
                    add file -f @                          | --file is empty
                    add file --file=@                      | --file is empty
                    add file a @                           | an argument is empty
                    add null @                             | is not a size
                    del @                                  | empty
                    stat @                                 | empty
                    resize 1 @                             | is not a size
                    list @                                 | empty
                    help @                                 | unknown command ''
                    export nbd @                           | unknown target ''
                    export nbd --socket @ null             | --socket is empty
                    export vhost-user --socket x file @    | FILE is empty
                    export vhost-user --socket @ null      | --socket is empty
                    demo @                                 | unknown command ''
                    demo pagecache --device @              | --device is empty
                    shmem add 0 --file @                   | --file is empty
                    """)
    void anEmptyArgumentIsSaidToBeOne(String line, String due) {
        String[] words =
                Arrays.stream(words(line))
                        .map(word -> word.replace("@", ""))
                        .toArray(String[]::new);

        Run run = Run.of(words);

        assertThat(run.status()).isEqualTo(2);
        assertThat(run.errorLines())
                .singleElement()
                .asString()
                .contains(due, "; see: ublk4j")
                .doesNotContain("Exception");
    }

    @Test
    void anEmptyArgumentIsReportedAsJson() {
        Run run = Run.of("list", "--json", "");

        assertThat(run.status()).isEqualTo(2);
        assertThat(run.out()).startsWith("{").contains("empty").doesNotContain("Exception");
    }

    @ParameterizedTest(name = "ublk4j demo pagecache {0}")
    @CsvSource({"--frames, 0", "--frames, -1", "--transactions, -1"})
    void aCountThatIsTooSmallIsNamed(String option, String count) {
        assertThat(Run.of("demo", "pagecache", option, count).err())
                .contains(option + " is less than 1: " + count);
    }

    @Test
    void anOptionsValueMayBeginWithADash() {
        Run run = Run.of("export", "nbd", "--name", "a", "file", "--file=-dash.img");

        assertThat(run.status()).isEqualTo(1);
        assertThat(run.err()).contains("no such file: ", "-dash.img");
    }

    @Test
    void aStackTraceIsPrintedOnlyWhenAskedFor() {
        assertThat(Run.of("add", "null", "-q", "0").err()).doesNotContain("\tat ");
        assertThat(Run.of("add", "null", "-q", "0", "--debug").err()).contains("\tat ");
    }

    @Test
    void optionsMayBeAbbreviated() {
        assertThat(Run.of("add", "null", "--que", "0").err()).contains("queues");
    }

    @ParameterizedTest(name = "ublk4j {0}")
    @CsvSource({
        "lisst, list",
        "export nbd --lissten x, --listen",
        "help ad, add",
        "add memry, memory",
        "add fiel x, unknown target 'fiel'",
        "exprt nbd, export",
        "export ndb, nbd",
        "sta, stat",
        "add null --dpeth 3, --depth",
        "demo --drivr embedded, --driver"
    })
    void aMistypedWordIsGuessed(String line, String meant) {
        Run run = Run.of(words(line));

        assertThat(run.status()).isEqualTo(2);
        assertThat(run.err()).contains("did you mean ", meant);
    }

    @ParameterizedTest(name = "ublk4j {0}")
    @CsvSource({
        "add -r 1 null, --recovery",
        "add -t loop -f x, add file FILE",
        "add --user_recovery null, --recovery wait",
    })
    void aHabitFromAnotherUblkServerIsExplained(String line, String hint) {
        Run run = Run.of(words(line));

        assertThat(run.status()).isEqualTo(2);
        assertThat(run.errorLines()).singleElement().asString().contains(hint);
    }

    @ParameterizedTest(name = "ublk4j {0}")
    @ValueSource(strings = {"add NULL --help", "Add Null --help", "HELP add Null"})
    void commandsAndKindsOfTargetsAreReadInAnyCase(String line) {
        assertThat(Run.of(words(line)).out()).contains("Usage: ublk4j add null");
    }

    @ParameterizedTest(name = "ublk4j {0}")
    @ValueSource(
            strings = {
                "list",
                "list 3",
                "list --json",
                "stat",
                "stat 3",
                "stat --watch 1",
                "del 3",
                "del --all",
                "resize 3 1M",
                "quiesce 3",
                "recover 3",
                "shmem list",
                "shmem remove 3 0",
                "shmem add 3 --file /dev/null",
                "list -n 3 -n 4",
                "stat -n 3",
                "del -n 3",
                "resize -n 3 1M",
                "resize 3 --size 1M",
                "resize -n 3 --size 1M",
                "quiesce -n 3",
                "recover -n 3",
                "shmem list -n 3",
                "shmem remove -n 3 0",
                "shmem add -n 3 --file /dev/null",
            })
    void aKernelWithoutUblkIsSaidToBeOne(String line) {
        assumeFalse(DriverModule.isLoaded(), "this kernel has ublk");

        Run run = Run.of(words(line));

        assertThat(run.status()).isEqualTo(line.equals("del --all") ? 0 : Main.FAILED);
        assertThat(run.errorLines())
                .singleElement()
                .asString()
                .startsWith("ublk4j: the ublk driver is not loaded")
                .contains(
                        Examination.isDriverLoadable()
                                ? "; type: "
                                : Examination.ofDriver().remedy());
    }

    @Test
    void theVersionIsPrinted() {
        assertThat(Run.of("--version").out()).startsWith("ublk4j ");
    }

    @Test
    void helpTakesTheNameOfACommand() {
        assertThat(Run.of("help", "add", "loop").out()).contains("Usage: ublk4j add file");
        assertThat(Run.of("help").out()).contains("Usage: ublk4j ");
    }

    @Test
    void completionIsAScriptThatKnowsTheCommands() {
        Run run = Run.of("completion");

        assertThat(run.status()).isZero();
        assertThat(run.out()).startsWith("#!").contains("complete -F", "doctor", "--block-size");
    }

    @Test
    void theManualPageHasEveryCommandAndOption() {
        String page = Run.of("help", "--man").out();

        assertThat(page).startsWith(".TH UBLK4J 8");
        everyCommand()
                .filter(name -> !name.isEmpty())
                .map(name -> name.replace("-", "\\-"))
                .forEach(name -> assertThat(page).contains(".SS ublk4j " + name + "\n"));
        assertThat(page).contains("\\-\\-buffered", "130, 143", "Default: 1M in the modes");
        assertThat(page).doesNotContain("${");
    }
}
