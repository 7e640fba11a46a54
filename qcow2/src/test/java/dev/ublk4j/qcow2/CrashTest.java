package dev.ublk4j.qcow2;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.targets.BackingFile.Caching;
import dev.ublk4j.testkit.InFlight;
import dev.ublk4j.testkit.TestBed;
import java.io.BufferedReader;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Servers that are killed leave images that are whole, with everything that had completed. */
@Timeout(600)
class CrashTest {
    private static final int SIZE = 4 << 20;
    private static final int BLOCK = 512;
    private static final int MOST_BLOCKS = 300;
    private static final int TOGETHER = 4;

    @TempDir Path folder;

    @BeforeAll
    static void tools() {
        QemuImg.require();
    }

    private static byte[] data(int seed, int bytes) {
        byte[] data = new byte[bytes];
        new Random(seed).nextBytes(data);
        return data;
    }

    /** Writes to an image until it is killed, and says what it begins and what has completed. */
    static final class Victim {
        private Victim() {}

        /** Serves an image, with random numbers of a seed. */
        public static void main(String[] args) {
            Random random = new Random(Integer.parseInt(args[1]));
            Qcow2Target target =
                    Qcow2Target.open(Path.of(args[0]), Qcow2Options.of(Caching.DIRECT));
            try (TestBed bed = TestBed.of(target)) {
                MemorySegment memory = bed.memory((long) TOGETHER * MOST_BLOCKS * BLOCK);
                for (int seed = 0; ; seed += TOGETHER) {
                    List<InFlight> all = new ArrayList<>();
                    for (int i = 0; i < TOGETHER; i++) {
                        // Each of those together has a quarter of the disk.
                        int blocks = 1 + random.nextInt(MOST_BLOCKS);
                        int quarter = SIZE / BLOCK / TOGETHER;
                        int at = i * quarter + random.nextInt(quarter - blocks);
                        long bytes = (long) blocks * BLOCK;
                        boolean gives = random.nextInt(4) == 0;
                        System.out.printf("%d %d %d %b%n", seed + i, at, blocks, gives);
                        MemorySegment some = memory.asSlice((long) i * MOST_BLOCKS * BLOCK, bytes);
                        some.copyFrom(MemorySegment.ofArray(data(seed + i, (int) bytes)));
                        long position = (long) at * BLOCK;
                        all.add(
                                bed.submit(request -> {
                                    if (gives) {
                                        request.writeZeroes(position, bytes, true);
                                    } else {
                                        request.write(position).add(some);
                                    }
                                }));
                    }
                    for (InFlight each : all) {
                        long _ = each.check();
                    }
                    System.out.println("done");
                }
            }
        }
    }

    /** What each block may hold: what it has for certain, or for a write that was under way. */
    private final byte[] certain = new byte[SIZE];

    private record Write(int seed, int at, int blocks, boolean gives) {
        byte[] bytes() {
            return gives ? new byte[blocks * BLOCK] : data(seed, blocks * BLOCK);
        }
    }

    private List<Write> killed(Path image, int seed, int rounds) throws Exception {
        Process victim =
                new ProcessBuilder(
                                ProcessHandle.current().info().command().orElseThrow(),
                                "--enable-native-access=ALL-UNNAMED",
                                "-ea",
                                "-cp",
                                System.getProperty("java.class.path"),
                                Victim.class.getName(),
                                image.toString(),
                                Integer.toString(seed))
                        .redirectError(ProcessBuilder.Redirect.INHERIT)
                        .start();
        List<Write> begun = new ArrayList<>();
        int done = 0;
        try (BufferedReader lines = victim.inputReader()) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                String[] words = line.split(" ");
                if (words[0].equals("done")) {
                    for (Write write : begun) {
                        byte[] bytes = write.bytes();
                        System.arraycopy(bytes, 0, certain, write.at * BLOCK, bytes.length);
                    }
                    begun.clear();
                    if (++done == rounds) {
                        // By its handle, which leaves what it has printed to be read.
                        boolean _ = victim.toHandle().destroyForcibly();
                    }
                } else if (words.length == 4) {
                    begun.add(
                            new Write(
                                    Integer.parseInt(words[0]),
                                    Integer.parseInt(words[1]),
                                    Integer.parseInt(words[2]),
                                    Boolean.parseBoolean(words[3])));
                }
            }
        }
        victim.waitFor();
        assertThat(done).isGreaterThanOrEqualTo(rounds);
        return begun;
    }

    private void verify(Path image, List<Write> underWay) {
        byte[] found;
        try (TestBed bed = TestBed.of(Qcow2Target.open(image, Qcow2Options.of(Caching.DIRECT)))) {
            found = bed.read(0, SIZE);
        }
        for (int block = 0; block < SIZE / BLOCK; block++) {
            byte[] is = Arrays.copyOfRange(found, block * BLOCK, (block + 1) * BLOCK);
            boolean fits =
                    Arrays.equals(
                            is, Arrays.copyOfRange(certain, block * BLOCK, (block + 1) * BLOCK));
            for (Write write : underWay) {
                int from = (block - write.at) * BLOCK;
                if (!fits && block >= write.at && block < write.at + write.blocks) {
                    byte[] then = Arrays.copyOfRange(write.bytes(), from, from + BLOCK);
                    fits = Arrays.equals(is, then);
                }
            }
            assertThat(fits).as("block %d", block).isTrue();
        }
        System.arraycopy(found, 0, certain, 0, SIZE);
    }

    @ParameterizedTest
    @CsvSource({"512, false", "4096, true", "65536, true"})
    void aKilledServerLeavesAWholeImageWithAllThatHadCompleted(int cluster, boolean hasBase)
            throws Exception {
        Path image = folder.resolve("disk.qcow2");
        if (hasBase) {
            byte[] base = data(-1, SIZE);
            Files.write(folder.resolve("base.img"), base);
            System.arraycopy(base, 0, certain, 0, SIZE);
        }
        new NewImage(SIZE, cluster, hasBase ? "base.img" : null, hasBase ? "raw" : null)
                .create(image);
        for (int round = 0; round < 4; round++) {
            List<Write> underWay = killed(image, round, 3 + 4 * round);
            QemuImg.checkAfterCrash(image);
            verify(image, underWay);
            QemuImg.checkAfterCrash(image);
        }
        QemuImg.run(folder, "check", "-r", "leaks", "-f", "qcow2", image);
        QemuImg.check(image);
    }
}
