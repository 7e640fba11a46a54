package dev.ublk4j.cli.serve;

import dev.ublk4j.linux.Fd;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;

/**
 * The script that has started this process in a session of its own, and waits for it to serve: it
 * ends with the status that it is told then, and this process goes on in the background. One JVM
 * does what takes two where it has to start its server itself ({@link Background}).
 *
 * <p>Until then the standard streams are those of who called the script. From then on the errors go
 * to the server's log, and the output nowhere.
 */
public final class Launcher {
    /** Names the descriptor of the pipe to the script. */
    private static final String PROPERTY = "ublk4j.launcher";

    private static final int STANDARD_OUTPUT = 1;
    private static final int STANDARD_ERROR = 2;

    private final int pipe;

    private Launcher(int pipe) {
        this.pipe = pipe;
    }

    /** {@return the script, where it waits for this process} */
    public static @Nullable Launcher waitingOrNull() {
        Integer pipe = Integer.getInteger(PROPERTY);
        return pipe == null ? null : new Launcher(pipe);
    }

    /**
     * Serves a device in the background; returns when it has been deleted, or waits for another
     * server.
     *
     * @param tell tells the user of the device, and answers the status that the script ends with
     * @throws RuntimeException when the device cannot be served, with the reason, while the script
     *     waits still
     */
    public void serve(DevicePlan plan, RunFolder folder, ToIntFunction<ServedDevice> tell)
            throws IOException {
        Path log = Background.newLog(folder);
        try {
            Foreground.serve(
                    plan,
                    folder,
                    log,
                    device -> {
                        int status = tell.applyAsInt(device);
                        String named = device.log();
                        leave(status, named == null ? log : Path.of(named));
                    });
        } finally {
            // It has another name when the device has been live.
            boolean _ = Files.deleteIfExists(log);
        }
    }

    private void leave(int status, Path log) {
        try (Fd errors = Fd.open(log, Fd.O_WRONLY | Fd.O_APPEND);
                Fd nowhere = Fd.open(Path.of("/dev/null"), Fd.O_WRONLY)) {
            errors.standInFor(STANDARD_ERROR);
            nowhere.standInFor(STANDARD_OUTPUT);
        }
        try (Fd own = Fd.own(pipe, "launcher");
                FileOutputStream script = new FileOutputStream("/proc/self/fd/" + own.number())) {
            script.write((status + "\n").getBytes(StandardCharsets.US_ASCII));
        } catch (IOException e) {
            System.err.println("ublk4j: who asked for this device has gone: " + e.getMessage());
        }
    }
}
