package dev.ublk4j.guest;

import dev.ublk4j.linux.Deadline;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;

/**
 * The process of a guest's kernel.
 *
 * <p>The kernel is not the child of this process but of a shell, its keeper, which ends it and all
 * processes that it consists of when this process lets go of the keeper's input: because it closes
 * it, or because it has ended in whatever way. The keeper is in a session of its own, where a
 * signal to all processes of a test does not reach it, and the kernel ends with it.
 */
final class Keeper {
    /** Its arguments: the folder, the kernel and the kernel's arguments. */
    private static final String KEEPER =
            """
            cd "$1" && mkfifo -m 600 in && exec 4<>in || exit
            folder=$1
            shift
            ulimit -c 0
            ulimit -n "$(ulimit -H -n)"
            exec 3<&0
            # What is sent to one process after the other, as a service manager does, is for the test. This goes on to end the kernel.
            trap '' INT TERM HUP QUIT
            (trap - INT TERM HUP QUIT; exec setsid setpriv --pdeathsig KILL "$@") 3<&4 4<&- </dev/null &
            exec >&- 2>&- 4<&-
            echo $! >group
            read -r order <&3
            # It may be about to become a group of its own.
            for whom in -$! $! -$!; do kill -9 $whom; done
            wait
            [ "$order" = keep ] || rm -rf "$folder"
            """;

    /** How long a killed process may take to be gone. */
    private static final Duration KILL_LIMIT = Duration.ofSeconds(30);

    private final Process process;
    private final Path folder;

    private Keeper(Process process, Path folder) {
        this.process = process;
        this.folder = folder;
    }

    /**
     * Starts a kernel.
     *
     * @param folder has the sockets of the disks that the options name
     */
    static Keeper start(GuestKernel kernel, GuestOptions options, Path folder) throws IOException {
        List<String> command =
                new ArrayList<>(List.of("setsid", "/bin/sh", "-c", KEEPER, "keeper"));
        command.add(folder.toString());
        command.add(kernel.program().toString());
        command.add("mem=%dK".formatted(options.memory() >> 10));
        command.addAll(
                List.of(
                        "rootfstype=hostfs",
                        "rootflags=/",
                        "ro",
                        "init=" + folder.resolve("agent"),
                        "uml_dir=" + folder,
                        "umid=guest",
                        "seccomp=auto",
                        "con0=null,fd:2",
                        "con=null",
                        "ssl0=fd:3,fd:1",
                        "ssl=null",
                        "oops=panic",
                        "panic=-1",
                        "loglevel=4",
                        // Half a second and a tenth: a benchmark of RAID 6, and terminals of old.
                        "initcall_blacklist=raid6_init",
                        "pty.legacy_count=0"));
        for (int i = 0; i < options.disks().size(); i++) {
            command.add("virtio_uml.device=%s:2:%d".formatted(GuestFolder.socket(i), i));
        }
        command.addAll(options.arguments());
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().put("TMPDIR", GuestFolder.memory(options.memory()).toString());
        return new Keeper(builder.start(), folder);
    }

    /** {@return what the guest's serial line carries} */
    InputStream line() {
        return process.getInputStream();
    }

    /** {@return what the guest's console shows} */
    InputStream console() {
        return process.getErrorStream();
    }

    /** {@return the keeper's own process} */
    ProcessHandle process() {
        return process.toHandle();
    }

    /**
     * Ends the kernel at once, and waits until it has gone.
     *
     * @param isOver whether all has been read that it has printed
     */
    void end(BooleanSupplier isOver) {
        if (!process.isAlive()) {
            endGroup();
        }
        try {
            process.getOutputStream().write("keep\n".getBytes(StandardCharsets.US_ASCII));
            process.getOutputStream().close();
        } catch (IOException _) {
            // The keeper has ended, which is what this is for.
        }
        boolean gone =
                Deadline.in(KILL_LIMIT)
                        .poll(
                                Duration.ofMillis(1),
                                () -> !process.isAlive() && isOver.getAsBoolean());
        if (!gone) {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
        }
    }

    /**
     * Ends what is left when the keeper was killed: the kernel ends with it, not all that the
     * kernel consists of.
     */
    private void endGroup() {
        try {
            String group = Files.readString(folder.resolve("group")).strip();
            Process kill =
                    new ProcessBuilder("/bin/sh", "-c", "kill -9 -\"$1\" 2>&-", "kill", group)
                            .start();
            if (Deadline.in(KILL_LIMIT).poll(Duration.ofMillis(1), () -> !kill.isAlive())) {
                return;
            }
            kill.destroyForcibly();
        } catch (IOException _) {
            // It was killed before it had started the kernel.
        }
    }
}
