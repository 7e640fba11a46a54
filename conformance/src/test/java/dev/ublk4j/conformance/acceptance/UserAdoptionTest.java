package dev.ublk4j.conformance.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.ublk4j.conformance.lane.Pause;
import dev.ublk4j.handover.BufferEntry;
import dev.ublk4j.handover.Exchange;
import dev.ublk4j.handover.HandoverConnection;
import dev.ublk4j.kernel.KernelDriver;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Whose memory is adopted by whom, by the command line, with users and control groups. */
@Tag("kernel")
@Tag("any-kernel")
@Timeout(value = 9, unit = TimeUnit.MINUTES)
@DisplayName("The memory of a user's program")
final class UserAdoptionTest {
    private static final int USER = 4711;
    private static final Path GROUPS = Path.of("/sys/fs/cgroup");
    private static final String CAPABILITY = "checkpoint_restore";

    @TempDir Path folder;

    @BeforeEach
    void letEverybodyIn() throws IOException {
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxrwxrwx"));
    }

    private static List<String> asUser(String... more) {
        return Stream.concat(
                        Stream.of(
                                "setpriv", "--reuid=" + USER, "--regid=" + USER, "--clear-groups"),
                        Stream.of(more))
                .toList();
    }

    private UnawareProgram program(List<String> before, String kind, int device) {
        Path python = Path.of("/usr/bin/python3");
        assumeTrue(Files.exists(python), "there is no Python that every user may run");
        String script = UnawareProgram.copy(folder, "unruly.py").toString();
        List<String> command = new ArrayList<>(before);
        command.addAll(
                List.of(
                        python.toString(),
                        script,
                        kind,
                        Integer.toString(4 << 20),
                        "/dev/ublkb" + device));
        return UnawareProgram.start(command);
    }

    /** The machine has neither udev nor systemd, which give a user the nodes of his device. */
    private Process giveNodes() throws IOException {
        return Shell.start(
                "while sleep 0.05; do chown %d /dev/ublk[bc]* 2>/dev/null; done".formatted(USER),
                folder.resolve("nodes.txt"));
    }

    private Commands commandsOfUser(String... privileges) {
        Path session = folder.resolve("session");
        Shell.run(
                "mkdir -p %1$s %2$s/run; chown %3$d %1$s %2$s/run"
                        .formatted(session, folder, USER));
        List<String> before = new ArrayList<>(asUser(privileges));
        before.addAll(List.of("env", "XDG_RUNTIME_DIR=" + session));
        return new Commands(folder, before);
    }

    private static List<BufferEntry> list(Path socket) {
        try (HandoverConnection connection =
                HandoverConnection.open(socket, Duration.ofMinutes(4))) {
            return connection.list();
        }
    }

    /** The server deletes it as well; either may find that the other has been first. */
    private static void delete(Commands commands, int device) {
        Shell.Outcome deleted = commands.tryRun("ublk4j del " + device);
        Path node = Path.of("/sys/block/ublkb" + device);
        Pause.until(deleted.output(), () -> Files.notExists(node));
    }

    private void letUsersAddDevices(boolean may) throws IOException {
        Files.setPosixFilePermissions(
                KernelDriver.CONTROL,
                PosixFilePermissions.fromString(may ? "rw-rw-rw-" : "rw-------"));
    }

    @Test
    void isAdoptedByAServerOfTheSameUserIfItStillHasItsFile() throws IOException {
        letUsersAddDevices(true);
        Process nodes = giveNodes();
        Commands commands = commandsOfUser();
        int device = commands.add("memory 4M --shmem --unprivileged");
        try {
            Path socket = folder.resolve("session/ublk/ublkb%d.sock".formatted(device));
            for (String kind : List.of("memfd", "/dev/shm/of-user")) {
                try (UnawareProgram program = program(asUser(), kind, device)) {
                    commands.run("ublk4j shmem adopt %d --pid %d".formatted(device, program.pid()));
                    assertThat(program.obey("io 0 4")).isEqualTo("done");
                }
                Pause.until("the memory is given back", () -> list(socket).isEmpty());
            }
            assertThat(commands.run("ublk4j stat " + device)).contains("shared       16 requests");
            try (UnawareProgram program = program(asUser(), "anonymous", device)) {
                Shell.Outcome refused =
                        commands.tryRun(
                                "ublk4j shmem adopt %d --pid %d".formatted(device, program.pid()));
                assertThat(refused.status()).isOne();
                assertThat(refused.output().lines())
                        .singleElement()
                        .asString()
                        .contains("has nothing to adopt", "CAP_CHECKPOINT_RESTORE");
            }
        } finally {
            delete(commands, device);
            nodes.destroyForcibly();
            letUsersAddDevices(false);
        }
    }

    @Test
    void isAdoptedByAServerOfTheSameUserThatMayOpenMappings() throws IOException {
        String[] privileges = {"--inh-caps=+" + CAPABILITY, "--ambient-caps=+" + CAPABILITY};
        letUsersAddDevices(true);
        Process nodes = giveNodes();
        Commands commands = commandsOfUser(privileges);
        int device = commands.add("memory 4M --shmem --unprivileged");
        try (UnawareProgram program = program(asUser(), "anonymous", device)) {
            commands.run("ublk4j shmem adopt %d --pid %d".formatted(device, program.pid()));
            assertThat(program.obey("io 0 4")).isEqualTo("done");
            assertThat(commands.run("ublk4j stat " + device))
                    .contains("since then   8 requests shared, 0 copied");
        } finally {
            delete(commands, device);
            nodes.destroyForcibly();
            letUsersAddDevices(false);
        }
    }

    @Test
    void isAdoptedWheneverItAppearsIfBothItsControlGroupAndItsUserFit() {
        assumeTrue(Files.exists(GROUPS.resolve("cgroup.procs")), "no control groups are mounted");
        Path group = GROUPS.resolve("ublk4j-test.service");
        Shell.run("mkdir -p %s/below".formatted(group));
        List<String> inGroup =
                List.of(
                        "sh",
                        "-c",
                        "echo $$ > %s/below/cgroup.procs; exec \"$@\"".formatted(group),
                        "sh");
        Commands commands = new Commands(folder);
        int device =
                commands.add("memory 4M --adopt-cgroup ublk4j-test.service --adopt-user " + USER);
        Shell.run("chmod a+rw /dev/ublkb" + device);
        List<String> both = new ArrayList<>(inGroup);
        both.addAll(asUser());
        try (UnawareProgram other = program(inGroup, "anonymous", device);
                UnawareProgram elsewhere = program(asUser(), "anonymous", device);
                UnawareProgram program = program(both, "anonymous", device)) {
            Path socket = Exchange.socketPath(device);
            Pause.until("it is adopted", () -> !list(socket).isEmpty());
            assertThat(list(socket)).extracting(BufferEntry::pid).containsExactly(program.pid());
            assertThat(program.obey("io 0 4")).isEqualTo("done");
            assertThat(other.obey("io 0 1")).isEqualTo("done");
            assertThat(elsewhere.obey("io 0 1")).isEqualTo("done");
            assertThat(commands.run("ublk4j stat " + device))
                    .contains("since then   8 requests shared, 4 copied");
        } finally {
            commands.run("ublk4j del " + device);
            Shell.run("rmdir %1$s/below %1$s".formatted(group));
        }
    }
}
