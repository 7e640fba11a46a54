package dev.ublk4j.vhostuser;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Queue;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.Target;
import dev.ublk4j.server.TargetQueue;
import dev.ublk4j.targets.BackingFile;
import dev.ublk4j.targets.FileTarget;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A process that serves a file to a guest, until it is killed. */
final class KillableExport {
    private static final int QUEUES = 2;
    private static final String SERVING = "serving";
    private static final String HOLDING = "holding";
    private static final Pattern DONE_AGAIN = Pattern.compile("(\\d+) requests .* executed again");

    private final Process process;
    private final Path output;

    private KillableExport(Process process, Path output) {
        this.process = process;
        this.output = output;
    }

    /**
     * A file whose requests are no longer answered from some point on: half of them are not done
     * either, the others are.
     */
    private static final class HoldingTarget implements Target {
        private final FileTarget file;
        private final int wanted;
        private final int from;
        private final AtomicInteger seen = new AtomicInteger();
        private final AtomicInteger held = new AtomicInteger();

        HoldingTarget(FileTarget file, int wanted, int from) {
            this.file = file;
            this.wanted = wanted;
            this.from = from;
        }

        private boolean isOver(int number) {
            if (number < from) {
                return false;
            }
            if (held.incrementAndGet() == wanted) {
                say(HOLDING);
            }
            return true;
        }

        private boolean takes(int number) {
            return number % 2 != 0 || !isOver(number);
        }

        @Override
        public Geometry geometry() {
            return file.geometry();
        }

        @Override
        public TargetQueue open(Queue queue) {
            TargetQueue below = file.open(queue);
            return new TargetQueue() {
                @Override
                public void submit(Request request) {
                    if (!request.operation().hasData()) {
                        below.submit(request);
                    } else if (takes(seen.incrementAndGet())) {
                        request.part(0, request.length()).then(this::ended).submitTo(below);
                    }
                }

                private int ended(Request part, int result) {
                    if (isOver(seen.get())) {
                        // A part that nobody ends keeps the request.
                        queue.delay(part.parent(), Long.MAX_VALUE, (_, _) -> {});
                    }
                    return result;
                }

                @Override
                public void close() {
                    below.close();
                }
            };
        }

        @Override
        public void close() {
            file.close();
        }
    }

    /**
     * Serves a file until its input ends.
     *
     * @param arguments the socket, the file, how many requests to hold before that is said, and the
     *     first that may be
     */
    public static void main(String[] arguments) throws IOException {
        FileTarget file =
                new FileTarget(
                        BackingFile.open(
                                Path.of(arguments[1]), BackingFile.Caching.BUFFERED, false));
        try (VhostUserExport export =
                VhostUserExport.start(
                        new HoldingTarget(
                                file,
                                Integer.parseInt(arguments[2]),
                                Integer.parseInt(arguments[3])),
                        DeviceOptions.defaults().withQueues(QUEUES),
                        VhostUserOptions.at(Path.of(arguments[0])))) {
            say(SERVING);
            // Not longer than the test, whatever becomes of that.
            while (System.in.read() >= 0) {}
            say("ended at " + export.socket());
        }
    }

    @SuppressWarnings("SystemOut") // the test reads it
    private static void say(String what) {
        System.out.println(what);
    }

    /** {@return a process that answers all requests} */
    static KillableExport holdingNothing(Path socket, Path file, Path folder) throws Exception {
        return holding(1, Integer.MAX_VALUE, socket, file, folder);
    }

    /**
     * {@return a process that at some point answers no more}
     *
     * @param count how many requests {@link #awaitHeld} waits for
     * @param from the first that is held, done where that is an odd number, else not
     */
    static KillableExport holding(int count, int from, Path socket, Path file, Path folder)
            throws Exception {
        Path output = Files.createTempFile(folder, "export", ".log");
        Process process =
                new ProcessBuilder(
                                ProcessHandle.current().info().command().orElseThrow(),
                                "-XX:+UseSerialGC",
                                "-XX:TieredStopAtLevel=1",
                                "--enable-native-access=ALL-UNNAMED",
                                "-cp",
                                System.getProperty("java.class.path"),
                                KillableExport.class.getName(),
                                socket.toString(),
                                file.toString(),
                                String.valueOf(count),
                                String.valueOf(from))
                        .redirectErrorStream(true)
                        .redirectOutput(output.toFile())
                        .start();
        KillableExport export = new KillableExport(process, output);
        export.awaitSaid(SERVING);
        return export;
    }

    /** Waits until there are requests that will not be answered. */
    void awaitHeld() throws Exception {
        awaitSaid(HOLDING);
    }

    private void awaitSaid(String what) throws Exception {
        long deadline = System.nanoTime() + TimeUnit.MINUTES.toNanos(2);
        while (!said().contains(what)) {
            assertThat(process.isAlive()).as(said()).isTrue();
            assertThat(System.nanoTime()).as(said()).isLessThan(deadline);
            Thread.sleep(20);
        }
    }

    /** {@return how many requests of the process before it this one has done again} */
    int doneAgain() throws IOException {
        Matcher matcher = DONE_AGAIN.matcher(said());
        int count = 0;
        while (matcher.find()) {
            count += Integer.parseInt(matcher.group(1));
        }
        return count;
    }

    private String said() throws IOException {
        return Files.readString(output);
    }

    /** Kills the process, which has no time to put anything in order. */
    void kill() throws InterruptedException {
        process.destroyForcibly().waitFor();
    }
}
