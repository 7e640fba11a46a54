package dev.ublk4j.cli.serve;

import dev.ublk4j.cli.output.Failure;
import dev.ublk4j.kernel.KernelDriver;
import dev.ublk4j.linux.Deadline;
import dev.ublk4j.sharing.store.DescriptorStore;
import dev.ublk4j.sharing.store.Keeper;
import dev.ublk4j.sharing.store.KeeperStore;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The process that keeps the memory of a device's applications while the device has no server. It
 * ends with the device.
 */
public final class KeeperProcess {
    private static final Duration END_PATIENCE = Duration.ofSeconds(5);
    private static final long PAUSE_MILLIS = 10;
    private static final int NODE = 1;

    private KeeperProcess() {}

    /**
     * Keeps descriptors until the device is gone.
     *
     * @param arguments the socket to listen at, and the node of the device
     */
    public static void main(String[] arguments) throws IOException {
        Path node = Path.of(arguments[NODE]);
        Object device = Files.getAttribute(node, "unix:ino");
        try (Keeper keeper = Keeper.open(Path.of(arguments[0]))) {
            keeper.serve(() -> Objects.equals(device, inodeOrNull(node)));
        }
    }

    /** The node of a device that is added later has another inode, whatever its number is. */
    private static @Nullable Object inodeOrNull(Path node) {
        try {
            return Files.getAttribute(node, "unix:ino");
        } catch (IOException e) {
            return null;
        }
    }

    /** Starts one for a new device, in place of what an older one with its number has left. */
    static void begin(Path socket, int device) throws IOException {
        if (KeeperStore.answers(socket)) {
            new KeeperStore(socket).close();
            awaitGone(socket);
        }
        start(socket, device);
    }

    /** Starts one for a device whose former server had one, should that not be there any more. */
    static void goOn(Path socket, int device) throws IOException {
        if (!KeeperStore.answers(socket)) {
            start(socket, device);
        }
    }

    /** {@return what a keeper keeps} */
    static DescriptorStore store(Path socket) {
        return new KeeperStore(socket);
    }

    private static void start(Path socket, int device) throws IOException {
        List<String> command = new ArrayList<>();
        if (Files.isExecutable(Path.of(Background.SETSID))) {
            command.add(Background.SETSID);
        }
        command.addAll(
                List.of(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx16m",
                        "-XX:+UseSerialGC",
                        "-XX:TieredStopAtLevel=1",
                        "--enable-native-access=ALL-UNNAMED",
                        "-cp",
                        System.getProperty("java.class.path"),
                        KeeperProcess.class.getName(),
                        socket.toString(),
                        KernelDriver.charPath(device).toString()));
        new ProcessBuilder(command)
                .redirectInput(Redirect.from(Path.of("/dev/null").toFile()))
                .redirectOutput(Redirect.DISCARD)
                .redirectError(Redirect.DISCARD)
                .start();
    }

    private static void awaitGone(Path socket) {
        Deadline deadline = Deadline.in(END_PATIENCE);
        while (Files.exists(socket)) {
            if (deadline.isOver()) {
                throw new Failure(
                        "the memory keeper of an earlier device is still running at " + socket);
            }
            try {
                Thread.sleep(PAUSE_MILLIS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new Failure("interrupted while waiting for a memory keeper to end", e);
            }
        }
    }
}
