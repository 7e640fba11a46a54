package dev.ublk4j.vhostuser;

import dev.ublk4j.targets.BackingFile;
import dev.ublk4j.targets.FileTarget;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/** A process that serves a file, in order to be killed. */
final class FileServer {
    private static final int QUEUES = 2;

    private FileServer() {}

    /**
     * Starts the process.
     *
     * @param folder where the socket is
     */
    static Process start(Path folder, Path file, Path log) throws IOException {
        return new ProcessBuilder(
                        List.of(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "--enable-native-access=ALL-UNNAMED",
                                "-XX:+UseSerialGC",
                                "-cp",
                                System.getProperty("java.class.path"),
                                FileServer.class.getName(),
                                folder.toString(),
                                file.toString()))
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
                .start();
    }

    /** Serves until it is killed. */
    public static void main(String[] arguments) throws Exception {
        Path file = Path.of(arguments[1]);
        FileTarget target =
                new FileTarget(BackingFile.open(file, BackingFile.Caching.BUFFERED, false));
        try (TestExport disk = new TestExport(target, QUEUES, Path.of(arguments[0]))) {
            System.out.println("serving " + disk.socket());
            new CountDownLatch(1).await();
        }
    }
}
