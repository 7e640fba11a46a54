package dev.ublk4j.vhostuser;

import dev.ublk4j.server.ForwardingTarget;
import dev.ublk4j.server.ForwardingTargetQueue;
import dev.ublk4j.server.Operation;
import dev.ublk4j.server.Queue;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.Target;
import dev.ublk4j.server.TargetQueue;
import dev.ublk4j.targets.BackingFile;
import dev.ublk4j.targets.FileTarget;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;

/** A process that serves a file until so many writes have been begun, and dies with them. */
final class FileServer {
    /** What the process ends with. */
    static final int DEAD = 77;

    private static final int QUEUES = 2;

    private FileServer() {}

    /**
     * Starts the process.
     *
     * @param folder where the socket is
     * @param writes the one in which the process dies
     */
    static Process start(Path folder, Path file, int writes, Path log) throws IOException {
        return new ProcessBuilder(
                        List.of(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "--enable-native-access=ALL-UNNAMED",
                                "-XX:+UseSerialGC",
                                "-cp",
                                System.getProperty("java.class.path"),
                                FileServer.class.getName(),
                                folder.toString(),
                                file.toString(),
                                Integer.toString(writes)))
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
                .start();
    }

    /** Serves until it dies. */
    public static void main(String[] arguments) throws Exception {
        Path file = Path.of(arguments[1]);
        Target target =
                new Mortal(
                        new FileTarget(BackingFile.open(file, BackingFile.Caching.BUFFERED, false)),
                        Integer.parseInt(arguments[2]));
        try (TestExport disk = new TestExport(target, QUEUES, Path.of(arguments[0]))) {
            System.out.println("serving " + disk.socket());
            new CountDownLatch(1).await();
        }
    }

    /** Takes the whole process with it. */
    private static final class Mortal extends ForwardingTarget {
        private final AtomicInteger writesLeft;

        Mortal(Target target, int writes) {
            super(target);
            this.writesLeft = new AtomicInteger(writes);
        }

        @Override
        public TargetQueue open(Queue queue) {
            return new ForwardingTargetQueue(super.open(queue)) {
                @Override
                public void submit(Request request) {
                    if (request.operation() == Operation.WRITE
                            && writesLeft.decrementAndGet() == 0) {
                        Runtime.getRuntime().halt(DEAD);
                    }
                    super.submit(request);
                }
            };
        }
    }
}
