package dev.ublk4j.guest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.crash.CrashLab;
import dev.ublk4j.linux.Deadline;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.targets.MemoryTarget;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayName("A guest")
final class GuestLinuxTest {
    private static final int DISK_BYTES = 16 << 20;

    private static final Duration GONE_LIMIT = Duration.ofSeconds(30);

    @BeforeAll
    static void requireKernel() {
        GuestTools.require(List.of("mkfs.ext4", "fsck.ext4", "perl", "setsid"));
    }

    /** What is there of a guest beside its memory, which no name leads to. */
    private record Remains(List<ProcessHandle> processes, Path folder) {
        static Remains of(GuestLinux linux) {
            Machine machine = Objects.requireNonNull(linux.machine());
            List<ProcessHandle> all = new ArrayList<>(machine.keeper().descendants().toList());
            assertThat(all).isNotEmpty();
            all.add(machine.keeper());
            assertThat(machine.folder()).exists();
            return new Remains(all, machine.folder());
        }

        void assertGone() {
            assertThat(processes).allSatisfy(each -> assertThat(isGone(each)).isTrue());
            assertThat(folder).doesNotExist();
        }

        private static boolean isGone(ProcessHandle process) {
            return Deadline.in(GONE_LIMIT).poll(Duration.ofMillis(10), () -> !process.isAlive());
        }
    }

    private static List<Path> foldersOfGuests() throws Exception {
        Path temporary = Path.of(System.getProperty("java.io.tmpdir"));
        try (Stream<Path> all = Files.list(temporary)) {
            return all.filter(file -> file.getFileName().toString().startsWith("ublk4j-g"))
                    .toList();
        }
    }

    @Test
    void runsCommandsWithTheProgramsOfTheHost() throws Exception {
        try (GuestLinux linux = GuestLinux.boot(GuestOptions.defaults().withOutputLimit(2000))) {
            assertThat(linux.run("echo out; echo err >&2; id -u").check().output())
                    .isEqualTo("out\nerr\n0\n");
            CommandResult failed = linux.run("echo sorry; exit 3");
            assertThat(failed.status()).isEqualTo(3);
            assertThatThrownBy(failed::check)
                    .isInstanceOf(GuestException.class)
                    .hasMessageContainingAll("status 3", "exit 3", "sorry");
            assertThat(linux.run("kill -9 $$").status()).isEqualTo(137);
            assertThat(linux.run("this is no command").status()).isEqualTo(127);
            CommandResult longest = linux.run("seq 100000 # " + "x".repeat(3000));
            assertThat(longest.bytes()).hasSize(2000);
            assertThat(longest.printed()).isEqualTo(588895);
            assertThat(new String(linux.read("/proc/version"))).startsWith("Linux version");
            assertThatThrownBy(() -> linux.read("/no/such/file"))
                    .isInstanceOfSatisfying(
                            LinuxException.class,
                            e -> assertThat(e.errno()).isEqualTo(Errno.ENOENT));
            assertThat(linux.run("touch /usr/x").output()).contains("Read-only file system");
        }
    }

    @Test
    void losesWithThePowerWhatWasNotSynchronized() throws Exception {
        try (MemoryTarget disk = new MemoryTarget(DISK_BYTES)) {
            try (GuestLinux linux = GuestLinux.boot(disk)) {
                linux.run("mkfs.ext4 -q /dev/vda && mount /dev/vda /mnt").check();
                linux.run("echo kept >/mnt/kept && sync && echo lost >/mnt/lost").check();
                Remains remains = Remains.of(linux);
                linux.cutPower();
                remains.assertGone();
                assertThat(linux.isOn()).isFalse();
                assertThatThrownBy(() -> linux.run("true"))
                        .isInstanceOf(IllegalStateException.class);
                linux.powerOn();
                linux.run("mount /dev/vda /mnt && [ -e /mnt/kept ] && [ ! -e /mnt/lost ]").check();
                linux.run("echo later >/mnt/later").check();
                linux.powerOff();
            }
            try (GuestLinux linux = GuestLinux.boot(disk)) {
                linux.run("fsck.ext4 -f -n /dev/vda && mount /dev/vda /mnt").check();
                assertThat(linux.run("cat /mnt/later").output()).isEqualTo("later\n");
            }
        }
    }

    @Test
    void hasItsDisksInOrderAndWritesToFoldersOfTheHost(@TempDir Path folder) throws Exception {
        List<String> marks = new CopyOnWriteArrayList<>();
        GuestOptions options = GuestOptions.defaults().withFolder(folder).withMarks(marks::add);
        List<MemoryTarget> disks = new ArrayList<>();
        for (int i = 1; i <= 30; i++) {
            MemoryTarget disk = new MemoryTarget(i << 20);
            disks.add(disk);
            options = options.withDisk(disk);
        }
        try (GuestLinux linux = GuestLinux.boot(options)) {
            linux.run("echo written >%s/file; mark one two; mark three".formatted(folder)).check();
            assertThat(folder.resolve("file")).hasContent("written");
            assertThat(marks).containsExactly("one two", "three");
            assertThat(
                            linux.run(
                                    "cat /sys/block/vda/size /sys/block/vdz/size"
                                            + " /sys/block/vdad/size"))
                    .extracting(CommandResult::output)
                    .isEqualTo("%d\n%d\n%d\n".formatted(1 << 11, 26 << 11, 30 << 11));
        }
        disks.forEach(MemoryTarget::close);
    }

    @Test
    void endsACommandThatDoesNotEndInTime() throws Exception {
        try (GuestLinux linux = GuestLinux.boot(GuestOptions.defaults())) {
            assertThatThrownBy(() ->
                            linux.run(
                                    "echo begun; setsid sleep 1000 & sleep 1000",
                                    Duration.ofSeconds(1)))
                    .isInstanceOf(GuestException.class)
                    .hasMessageContainingAll("did not end within 1 s", "begun");
            assertThat(linux.run("pgrep sleep").status()).isEqualTo(1);
            // What a command leaves behind does not hold up the command itself.
            linux.run("sleep 1000 &", Duration.ofSeconds(30)).check();
            assertThat(linux.run("pgrep sleep").status()).isZero();
        }
    }

    @Test
    void letsACommandPrintMoreThanIsKept() throws Exception {
        try (GuestLinux linux = GuestLinux.boot(GuestOptions.defaults().withOutputLimit(100_000))) {
            CommandResult result = linux.run("head -c 50000000 /dev/zero && echo end >/tmp/end");
            assertThat(result.check().printed()).isEqualTo(50_000_000);
            assertThat(result.bytes()).hasSize(100_000);
            assertThat(linux.read("/tmp/end")).isNotEmpty();
        }
    }

    @Test
    void letsProgramsInTheBackgroundPrintWithoutEnd() throws Exception {
        try (GuestLinux linux = GuestLinux.boot(GuestOptions.defaults())) {
            linux.run("yes & yes & echo $! >/tmp/pid").check();
            assertThat(linux.run("sleep 1; echo hello").check().output()).isEqualTo("hello\n");
            linux.run("kill -0 $(cat /tmp/pid) && kill $(cat /tmp/pid)").check();
        }
    }

    @Test
    void tellsWhatTheReceiverOfMarksHasThrown() throws Exception {
        GuestOptions options =
                GuestOptions.defaults().withMarks(text -> assertThat(text).isEqualTo("1"));
        try (GuestLinux linux = GuestLinux.boot(options)) {
            linux.run("mark 1").check();
            assertThatThrownBy(() -> linux.run("mark 2"))
                    .isInstanceOf(GuestException.class)
                    .hasMessageContaining("marks")
                    .hasCauseInstanceOf(AssertionError.class);
        }
    }

    /** What has not been received when the guest ends is not waited for. */
    @Test
    void endsAtOnceWhereTheReceiverOfMarksDoesNotReturn() throws Exception {
        CountDownLatch interrupted = new CountDownLatch(1);
        CountDownLatch received = new CountDownLatch(1);
        GuestOptions options =
                GuestOptions.defaults()
                        .withMarks(_ -> {
                            received.countDown();
                            try {
                                Thread.sleep(Long.MAX_VALUE);
                            } catch (InterruptedException _) {
                                interrupted.countDown();
                            }
                        });
        Machine machine;
        try (GuestLinux linux = GuestLinux.boot(options)) {
            machine = Objects.requireNonNull(linux.machine());
            linux.run("(sleep 1; mark 1; mark 2) &").check();
            received.await();
        }
        assertThat(machine.keeper().isAlive()).isFalse();
        assertThat(machine.folder()).doesNotExist();
        interrupted.await();
    }

    @Test
    void tellsThatItWasBootedAgain() throws Exception {
        GuestOptions options = GuestOptions.defaults().withSlot(DISK_BYTES).withSlot(DISK_BYTES);
        try (GuestLinux linux = GuestLinux.boot(options)) {
            assertThatThrownBy(() -> linux.run("echo b >/proc/sysrq-trigger; sleep 1000"))
                    .isInstanceOf(GuestException.class)
                    .hasMessageContaining("a program has rebooted the guest");
        }
    }

    @Test
    void mayTakeForever() throws Exception {
        Duration forever = ChronoUnit.FOREVER.getDuration();
        GuestOptions options =
                GuestOptions.defaults().withBootLimit(forever).withCommandLimit(forever);
        try (GuestLinux linux = GuestLinux.boot(options)) {
            linux.run("true").check();
        }
    }

    @Test
    void refusesLimitsWithoutTimeAndDisksThatItHasNot() throws Exception {
        GuestOptions options = GuestOptions.defaults();
        assertThatThrownBy(() -> options.withBootLimit(Duration.ZERO))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> options.withCommandLimit(Duration.ofSeconds(-1)))
                .isInstanceOf(IllegalArgumentException.class);
        try (CrashLab lab = CrashLab.create();
                GuestLinux linux = GuestLinux.boot(options.withSlot(DISK_BYTES))) {
            assertThatThrownBy(() -> lab.record(disk -> linux.insert(1, disk)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("there is no disk 1: the guest has 1");
        }
        assertThatThrownBy(() -> GuestLinux.boot(options.withFolder(Path.of("/no/such"))))
                .isInstanceOf(GuestException.class)
                .hasMessageContaining("the guest cannot boot: cannot mount hostfs at /no/such");
    }

    @Test
    void canBeCutWhileACommandRuns() throws Exception {
        try (GuestLinux linux = GuestLinux.boot(GuestOptions.defaults());
                ExecutorService other = Executors.newSingleThreadExecutor()) {
            Remains remains = Remains.of(linux);
            Future<CommandResult> running = other.submit(() -> linux.run("sleep 1000"));
            Thread.sleep(100);
            linux.cutPower();
            assertThatThrownBy(running::get).hasRootCauseMessage("the guest's power was cut");
            remains.assertGone();
        }
    }

    @Test
    void tellsHowItDied() throws Exception {
        try (GuestLinux linux = GuestLinux.boot(GuestOptions.defaults())) {
            Remains remains = Remains.of(linux);
            assertThatThrownBy(() -> linux.run("echo c >/proc/sysrq-trigger"))
                    .isInstanceOf(GuestException.class)
                    .hasMessageContainingAll("the guest has died", "Kernel panic");
            assertThat(linux.isOn()).isFalse();
            linux.cutPower();
            remains.assertGone();
        }
    }

    @Test
    void leavesNothingWhenItDoesNotBoot() throws Exception {
        List<Path> before = foldersOfGuests();
        GuestOptions broken = GuestOptions.defaults().withKernelArgument("init=/no/such/program");
        assertThatThrownBy(() -> GuestLinux.boot(broken))
                .isInstanceOf(GuestException.class)
                .hasMessageContainingAll("the guest has died", "/no/such/program");
        GuestOptions hasty = GuestOptions.defaults().withBootLimit(Duration.ofMillis(20));
        assertThatThrownBy(() -> GuestLinux.boot(hasty))
                .isInstanceOf(GuestException.class)
                .hasMessageContaining("did not boot within PT0.02S");
        assertThat(foldersOfGuests()).containsExactlyInAnyOrderElementsOf(before);
    }

    /** How a test ends that has not closed its guest. */
    private enum End {
        /** {@code kill -9} of the virtual machine. */
        KILLED,
        /** Ctrl-C, which a terminal sends to all processes of the test. */
        INTERRUPTED,
        /** What ends a build that takes too long. */
        TERMINATED,
        /** What ends one that takes even longer: {@code kill -9} of all processes of the test. */
        GROUP_KILLED,
        /** Ctrl-\\, on which a virtual machine lists its threads and goes on. */
        LISTED_AND_KILLED
    }

    @ParameterizedTest
    @EnumSource
    void endsWithTheProcessOfTheTest(End end) throws Exception {
        Process test =
                new ProcessBuilder(
                                "env",
                                "--default-signal=INT,TERM,QUIT",
                                "setsid",
                                Path.of(System.getProperty("java.home"), "bin/java").toString(),
                                "--enable-native-access=ALL-UNNAMED",
                                "-XX:TieredStopAtLevel=1",
                                "-XX:+UseSerialGC",
                                "-cp",
                                System.getProperty("java.class.path"),
                                AbandonedGuest.class.getName())
                        .redirectError(ProcessBuilder.Redirect.INHERIT)
                        .start();
        try {
            String line = test.inputReader().readLine();
            List<ProcessHandle> all = test.descendants().toList();
            assertThat(all).isNotEmpty();
            switch (end) {
                case KILLED -> test.destroyForcibly();
                case INTERRUPTED -> signalGroup("INT", test);
                case TERMINATED -> signalGroup("TERM", test);
                case GROUP_KILLED -> signalGroup("KILL", test);
                case LISTED_AND_KILLED -> {
                    signalGroup("QUIT", test);
                    awaitList(test);
                    test.destroyForcibly();
                }
            }
            assertThat(test.waitFor()).isNotZero();
            Path folder = Path.of(line);
            Deadline deadline = Deadline.in(GONE_LIMIT);
            assertThat(deadline.poll(Duration.ofMillis(10), () -> Files.notExists(folder)))
                    .isTrue();
            new Remains(all, folder).assertGone();
        } finally {
            test.destroyForcibly();
        }
    }

    private static void awaitList(Process test) throws Exception {
        String line = "";
        while (line != null && !line.contains("Full thread dump")) {
            line = test.inputReader().readLine();
        }
        assertThat(line).isNotNull();
    }

    /** As the kernel ends processes when there is no memory left. */
    @ParameterizedTest(name = "the kernel: {0}")
    @ValueSource(booleans = {false, true})
    void leavesNothingWhenOneOfItsProcessesIsKilled(boolean isKernel) throws Exception {
        try (GuestLinux linux = GuestLinux.boot(GuestOptions.defaults())) {
            Remains remains = Remains.of(linux);
            ProcessHandle keeper = Objects.requireNonNull(linux.machine()).keeper();
            ProcessHandle victim = isKernel ? keeper.children().findFirst().orElseThrow() : keeper;
            assertThat(victim.destroyForcibly()).isTrue();
            assertThatThrownBy(() -> linux.run("sleep 1000"))
                    .isInstanceOf(GuestException.class)
                    .hasMessageContaining("the guest has died");
            linux.cutPower();
            remains.assertGone();
        }
    }

    private static void signalGroup(String signal, Process leader) throws Exception {
        Process kill =
                new ProcessBuilder("bash", "-c", "kill -%s -%d".formatted(signal, leader.pid()))
                        .inheritIO()
                        .start();
        assertThat(kill.waitFor()).isZero();
    }
}
