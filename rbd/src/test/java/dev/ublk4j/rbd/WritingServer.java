package dev.ublk4j.rbd;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.linux.Deadline;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.testkit.TestBed;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A process of its own that serves an image and writes it, block after block and round after round,
 * and tells of each write that has been acknowledged, until one fails.
 */
final class WritingServer implements AutoCloseable {
    private static final int BLOCK = 16 << 10;
    static final int BLOCKS = 512;

    /** The bytes of the image that are written. */
    static final int BYTES = BLOCK * BLOCKS;

    private static final String USE = "use ";
    private static final String FAILED = "failed ";
    private static final String WROTE = "wrote ";

    private static final AtomicInteger SALT = new AtomicInteger();

    private final Process process;

    /** What one writes is not what any other does. */
    private final int salt;

    private final BlockingQueue<String> uses = new LinkedBlockingQueue<>();
    private final BlockingQueue<String> failures = new LinkedBlockingQueue<>();
    private final List<Integer> written = new ArrayList<>();
    private final Thread reader;

    private WritingServer(Process process, int salt) {
        this.process = process;
        this.salt = salt;
        reader = Thread.ofPlatform().daemon().name("written").start(this::read);
    }

    /** Starts one by a command that stands before that of its JVM. */
    static WritingServer start(List<String> java, Path configuration, RbdImageName name)
            throws IOException {
        int salt = SALT.incrementAndGet();
        List<String> command = new ArrayList<>(java);
        command.addAll(
                List.of(
                        "-XX:TieredStopAtLevel=1",
                        "--enable-native-access=ALL-UNNAMED",
                        "-cp",
                        System.getProperty("java.class.path"),
                        WritingServer.class.getName(),
                        configuration.toString(),
                        name.toString(),
                        Integer.toString(salt)));
        return new WritingServer(
                new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start(),
                salt);
    }

    /** {@return the program that a JVM is started by} */
    static String java() {
        return Path.of(System.getProperty("java.home"), "bin", "java").toString();
    }

    /** {@return what is in a block that has been written so many times} */
    private static byte[] content(int block, int round, int salt) {
        byte[] bytes = new byte[BLOCK];
        Arrays.fill(bytes, (byte) (31 * block + 7 * round + salt));
        return bytes;
    }

    /** Verifies that what has been acknowledged is in an image, and at most one write more. */
    void verify(byte[] image) {
        int count = count();
        for (int block = 0; block < Math.min(count, BLOCKS); block++) {
            int round = (count - 1 - block) / BLOCKS;
            byte[] found = Arrays.copyOfRange(image, block * BLOCK, (block + 1) * BLOCK);
            if (block != count % BLOCKS || !Arrays.equals(found, content(block, round + 1, salt))) {
                assertThat(found).as("block %d", block).isEqualTo(content(block, round, salt));
            }
        }
    }

    /** Waits until so many writes have been acknowledged. */
    void await(int number) {
        assertThat(
                        Deadline.in(Duration.ofMinutes(2))
                                .poll(Duration.ofMillis(50), () -> count() >= number))
                .as("%d writes", number)
                .isTrue();
    }

    /** {@return how many writes have been acknowledged} */
    int count() {
        synchronized (written) {
            return written.size();
        }
    }

    /**
     * {@return who uses the image, as the server knows it; {@code null} as a text where it does
     * not}
     */
    String use() {
        try {
            process.getOutputStream().write('\n');
            process.getOutputStream().flush();
            String use = uses.poll(1, TimeUnit.MINUTES);
            assertThat(use).as("an answer").isNotNull();
            return use;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** {@return why a write has failed, when one has} */
    String failure() throws InterruptedException {
        String failure = failures.poll(2, TimeUnit.MINUTES);
        assertThat(failure).as("a write that fails").isNotNull();
        return failure;
    }

    private void read() {
        try (BufferedReader lines =
                new BufferedReader(new InputStreamReader(process.getInputStream()))) {
            String line;
            while ((line = lines.readLine()) != null) {
                if (line.startsWith(WROTE)) {
                    synchronized (written) {
                        written.add(Integer.parseInt(line.substring(WROTE.length())));
                    }
                } else if (line.startsWith(USE)) {
                    uses.add(line.substring(USE.length()));
                } else if (line.startsWith(FAILED)) {
                    failures.add(line.substring(FAILED.length()));
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Ends it where it stands; what it has told of before is known when this returns. */
    void kill() {
        boolean _ = process.toHandle().destroyForcibly();
        try {
            process.waitFor();
            reader.join();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        kill();
    }

    static void main(String[] arguments) throws IOException {
        RbdOptions options = RbdOptions.defaults().withConfiguration(Path.of(arguments[0]));
        RbdTarget target = RbdTarget.open(RbdImageName.parse(arguments[1]), options);
        TestBed bed = TestBed.of(target);
        int salt = Integer.parseInt(arguments[2]);
        Thread _ = Thread.ofPlatform().daemon().name("work").start(() -> work(bed, salt));
        while (System.in.read() >= 0) {
            System.out.println(USE + target.use(Duration.ofSeconds(1)));
        }
        // With its test, however its requests are.
        Runtime.getRuntime().halt(0);
    }

    private static void work(TestBed bed, int salt) {
        try {
            for (int i = 0; ; i++) {
                int block = i % BLOCKS;
                bed.write((long) block * BLOCK, content(block, i / BLOCKS, salt));
                System.out.println(WROTE + i);
            }
        } catch (LinuxException e) {
            System.out.println(FAILED + e.getMessage());
        }
    }
}
