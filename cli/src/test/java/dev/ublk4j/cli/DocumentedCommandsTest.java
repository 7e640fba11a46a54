package dev.ublk4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;
import picocli.CommandLine.ParseResult;

/**
 * Types what the pages and the help say. What needs ublk in the kernel, a virtual machine or a
 * program that is not here is not run, but taken apart by who would take it apart; what is neither
 * has to be listed, with the reason.
 */
@DisplayName("The pages and the help")
@Timeout(value = 20, unit = TimeUnit.MINUTES)
class DocumentedCommandsTest {
    private static final int NBD_PORT = 10809;
    private static final int IMAGE_BYTES = 1 << 20;

    /** Commands that need the kernel's driver. */
    private static final Set<String> ON_UBLK =
            Set.of(
                    "add",
                    "stop",
                    "del",
                    "list",
                    "stat",
                    "resize",
                    "resync",
                    "commit",
                    "fault",
                    "mark",
                    "quiesce",
                    "recover",
                    "shmem",
                    "features");

    /** Programs of others that a page runs, and that every machine has. */
    private static final Set<String> EVERYWHERE =
            Set.of("truncate", "mkdir", "cp", "openssl", "printf", "source", "umask");

    /**
     * Programs of others that are run where they are installed; tests of conformance run them, too.
     */
    private static final Set<String> SOMEWHERE = Set.of("nbdinfo", "nbdcopy", "qemu-img");

    private static final String FOR_PLAIN_USERS =
            "changes the machine; UnprivilegedTest does the same by hand";

    /** What begins so is run by nobody here. */
    private static final Map<String, String> LISTED =
            Map.ofEntries(
                    Map.entry("./check", "is what runs this test"),
                    Map.entry(
                            "fuser -k /dev/ublkc0",
                            "kills the server of a device of the kernel's driver"),
                    Map.entry(
                            "fallocate -l 16M /dev/hugepages/buf",
                            "takes huge pages of the machine"),
                    Map.entry(
                            "fio --name=job --filename=/dev/ublkb0",
                            "FioTest does, in the machine"),
                    Map.entry(
                            "scripts/blkio-fio",
                            "is built from sources first; ./bench exports runs it"),
                    Map.entry(
                            "guest/power-cuts",
                            "the tests of the module guest do, with fewer images"),
                    Map.entry("scripts/ceph-cluster", "the tests of the module rbd do"),
                    Map.entry("rbd ", "needs a cluster; the tests of the module rbd do"),
                    Map.entry("groupadd --system ublk", FOR_PLAIN_USERS),
                    Map.entry("install -m", FOR_PLAIN_USERS),
                    Map.entry("ln -s \"$PWD/ublk4j\"", FOR_PLAIN_USERS),
                    Map.entry("systemctl daemon-reload", FOR_PLAIN_USERS),
                    Map.entry("udevadm ", FOR_PLAIN_USERS),
                    Map.entry("usermod --append --groups ublk", FOR_PLAIN_USERS),
                    Map.entry("nbd-client", "NbdKernelClientTest does, in the machine"),
                    Map.entry("vm/recipes/prepare", "fetches kernels; ./check does"),
                    Map.entry(
                            "conformance/kernel-scripts",
                            "takes half an hour in a machine of its own"),
                    Map.entry("mkfs.ext4 /dev/", "in a guest, or on a device of the kernel's nbd"),
                    Map.entry("mount /dev/", "in a guest, or on a device of the kernel's nbd"),
                    Map.entry("umount /mnt", "in a guest, or on a device of the kernel's nbd"),
                    Map.entry("echo hello >/mnt/greeting", "in a guest"),
                    Map.entry("exit", "leaves the guest"));

    /** Tracing of the kernel, which KernelProbes does in the machine. */
    private static final List<String> TRACING =
            List.of(
                    "cd /sys/kernel/tracing",
                    "echo 'r:match ",
                    "echo 'hist:",
                    "cat events/kprobes");

    /** What an example expects to be there. */
    private static final String CERTIFICATE =
            "mkdir pki && openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost"
                    + " -keyout pki/server-key.pem -out pki/server-cert.pem";

    private static final String KEYS =
            "umask 077; printf 'alice:%s\\n' \"$(openssl rand -hex 32)\" >keys.psk";

    @TempDir Path folder;

    @TestFactory
    Stream<DynamicTest> tellWhatWorks() throws IOException {
        List<DynamicTest> tests = new ArrayList<>();
        for (Path page : DocumentedCommands.pages()) {
            List<String> commands = DocumentedCommands.ofPage(page);
            if (!commands.isEmpty()) {
                tests.add(DynamicTest.dynamicTest(page.toString(), () -> typeAll(commands)));
            }
        }
        DocumentedCommands.ofHelp()
                .forEach((command, examples) ->
                        tests.add(
                                DynamicTest.dynamicTest(
                                        command + " --help", () -> typeAll(examples))));
        return tests.stream();
    }

    @Test
    void haveExamplesInTheManualPageToo() {
        String page = Run.of("help", "--man").out();

        DocumentedCommands.ofHelp().values().stream()
                .flatMap(List::stream)
                .forEach(example -> assertThat(page).contains(example.replace("-", "\\-")));
    }

    @Test
    void nameOnlyCommandsAndOptionsThatThereAre() throws IOException {
        for (Path page : DocumentedCommands.pages()) {
            for (String span : DocumentedCommands.spansOfPage(page)) {
                List<String> words = Words.of(span);
                if (!words.isEmpty() && isOurs(words.getFirst())) {
                    checkNames(
                            page + ": " + span, new ArrayDeque<>(words.subList(1, words.size())));
                } else if (!words.isEmpty() && words.getFirst().matches("\\./[a-z0-9]+")) {
                    assertThat(DocumentedCommands.root().resolve(words.getFirst()))
                            .as("%s: %s", page, span)
                            .isExecutable();
                }
            }
        }
    }

    /** Of a command in the midst of a sentence, whose arguments may be anything. */
    private static void checkNames(String where, ArrayDeque<String> words) {
        CommandLine command = Main.commandLine();
        while (!words.isEmpty() && command.getSubcommands().containsKey(words.getFirst())) {
            command = command.getSubcommands().get(words.removeFirst());
        }
        assertThat(words.isEmpty() || words.getFirst().matches("-.*|\\.\\.\\.|[A-Z0-9]+|e[0-9]+"))
                .as("is a command: %s", where)
                .isTrue();
        for (String word : words) {
            if (word.startsWith("-") && !word.equals("--")) {
                assertThat(command.getCommandSpec().findOption(word)).as(where).isNotNull();
            }
        }
    }

    private void typeAll(List<String> commands) throws Exception {
        Path place = Files.createTempDirectory(folder, "typed");
        for (String name : List.of("disk.img", "a.img", "b.img", "c.img", "d.img", "image.raw")) {
            try (RandomAccessFile file = new RandomAccessFile(place.resolve(name).toFile(), "rw")) {
                file.setLength(IMAGE_BYTES);
            }
        }
        SampleRecording.make(place);
        try (Typist typist = new Typist(place)) {
            String all = String.join("\n", commands);
            if (all.contains(" pki ") && !all.contains("mkdir pki")) {
                typist.run(CERTIFICATE);
            }
            if (all.contains(" keys.psk") && !all.contains(">keys.psk")) {
                typist.run(KEYS);
            }
            for (String command : commands) {
                type(command, typist);
            }
        }
    }

    private static void type(String line, Typist typist) throws Exception {
        List<String> words = Words.of(line);
        String first = words.getFirst();
        if (isOurs(first)) {
            typeOurs(line, words.subList(1, words.size()), typist);
        } else if (first.equals("vm/run")) {
            checkMachine(words.subList(1, words.size()));
        } else if (EVERYWHERE.contains(first) || SOMEWHERE.contains(first) && isInstalled(first)) {
            if (!line.contains("localhost") || typist.isServing()) {
                typist.run(line);
            }
        } else {
            String rest = line.replaceFirst("^sudo ", "");
            assertThat(
                            SOMEWHERE.contains(first)
                                    || LISTED.keySet().stream().anyMatch(rest::startsWith)
                                    || TRACING.stream().anyMatch(rest::startsWith))
                    .as("can be run, taken apart, or is listed: %s", line)
                    .isTrue();
        }
    }

    private static boolean isOurs(String word) {
        return word.equals("ublk4j") || word.equals("./ublk4j");
    }

    private static void typeOurs(String line, List<String> words, Typist typist) throws Exception {
        if (words.getFirst().equals("vm")) {
            checkMachine(words.subList(1, words.size()));
            return;
        }
        parse(words);
        boolean elsewhere =
                Stream.of("/dev/ublk", "rbd", "server.example").anyMatch(line::contains);
        if (ON_UBLK.contains(words.getFirst()) || elsewhere) {
            return;
        }
        if (!words.getFirst().equals("export")) {
            typist.run(line.contains("man -l") && !isInstalled("man") ? "ublk4j help --man" : line);
        } else if (line.contains("--socket") || isFree(NBD_PORT)) {
            typist.serve(line);
        }
    }

    private static ParseResult parsed(CommandLine command, String[] words) {
        return command.parseArgs(OneWordTargets.expand(command, words));
    }

    private static void parse(List<String> words) {
        assertThatCode(() -> checkTargets(parsed(Main.commandLine(), words.toArray(String[]::new))))
                .as("ublk4j %s", String.join(" ", words))
                .doesNotThrowAnyException();
    }

    /** What targets are made of is read by themselves. */
    private static void checkTargets(CommandLine.ParseResult parsed) {
        for (CommandLine command : parsed.asCommandLineList()) {
            Object object = command.getCommandSpec().userObject();
            if (object instanceof TargetKind kind) {
                kind.checkWhole();
            } else if (object instanceof CopyCommand copy) {
                copy.checkTargets();
            }
        }
    }

    /** Options of vm/run are those that it lists. */
    private static void checkMachine(List<String> words) throws IOException {
        String usage = Files.readString(DocumentedCommands.root().resolve("vm/run"));
        int index = 0;
        while (index < words.size() && !words.get(index).equals("--")) {
            String option = words.get(index);
            assertThat(option).startsWith("--");
            assertThat(usage).containsPattern("\n  " + option + "( |\n)");
            index += takesValue(usage, option) ? 2 : 1;
        }
        List<String> command = words.subList(Math.min(index + 1, words.size()), words.size());
        if (!command.isEmpty() && isOurs(command.getFirst())) {
            parse(command.subList(1, command.size()));
        }
    }

    private static boolean takesValue(String usage, String option) {
        return usage.lines().anyMatch(line -> line.matches("  " + option + " [A-Z].*"));
    }

    private static boolean isInstalled(String program) {
        return Stream.of(System.getenv("PATH").split(":", -1))
                .anyMatch(place -> Files.isExecutable(Path.of(place, program)));
    }

    private static boolean isFree(int port) {
        try (ServerSocket socket = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
            return socket.isBound();
        } catch (IOException e) {
            return false;
        }
    }
}
