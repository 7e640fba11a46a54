package dev.ublk4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.cli.copy.Copier;
import dev.ublk4j.cli.output.Failure;
import dev.ublk4j.cli.output.Json;
import dev.ublk4j.linux.Deadline;
import dev.ublk4j.server.AllocationMap;
import dev.ublk4j.server.ForwardingTarget;
import dev.ublk4j.server.Target;
import dev.ublk4j.targets.MemoryTarget;
import dev.ublk4j.testkit.TestBed;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

@DisplayName("ublk4j copy")
@Timeout(120)
class CopyTest {
    private static final int MIB = 1 << 20;
    private static final int SIZE = 16 * MIB;

    @TempDir Path folder;

    private Path from;
    private Path to;

    @BeforeEach
    void makeFiles() throws IOException {
        from = file("from.img", SIZE);
        to = file("to.img", SIZE);
        // Data that begins and ends in the midst of a piece, and zeroes that are written.
        write(from, 3 * MIB + 4096, random(2 * MIB));
        write(from, 9 * MIB, new byte[MIB]);
        write(from, SIZE - 8192, random(8192));
    }

    private Path file(String name, long size) throws IOException {
        Path path = folder.resolve(name);
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
            file.setLength(size);
        }
        return path;
    }

    private static void write(Path path, long at, byte[] data) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
            file.seek(at);
            file.write(data);
        }
    }

    private static byte[] random(int bytes) {
        byte[] data = new byte[bytes];
        new Random(bytes).nextBytes(data);
        return data;
    }

    private static Run copied(String... words) {
        Run run = Run.of(words);
        assertThat(run.status()).as(run.err()).isZero();
        return run;
    }

    @Test
    void copiesDataAndNoHoles() throws IOException {
        Run run = copied("copy", from.toString(), to.toString(), "--verify");
        assertThat(run.out()).contains("16.0 MiB").endsWith("; verified\n");
        assertThat(Files.mismatch(from, to)).isEqualTo(-1);
        assertThat(spaceIsKept(to)).isTrue();
    }

    private static boolean spaceIsKept(Path path) throws IOException {
        Process stat =
                new ProcessBuilder("stat", "-c", "%b", path.toString())
                        .redirectErrorStream(true)
                        .start();
        long blocks = Long.parseLong(new String(stat.getInputStream().readAllBytes()).strip());
        return blocks * 512 < 6L * MIB;
    }

    @Test
    void whatTheDestinationHadIsGone() throws IOException {
        write(to, 0, random(SIZE));
        copied("copy", from.toString(), to.toString(), "--parallel", "2");
        assertThat(Files.mismatch(from, to)).isEqualTo(-1);
        assertThat(spaceIsKept(to)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "qcow2:new.qcow2,create=16M",
                "stripe(x.img, y.img)",
                "mirror(to.img, memory:16M; log=m.log)",
                "overlay(to.img, changes.img)"
            })
    void copiesToWhateverIsATargetAndBack(String target) throws IOException {
        file("x.img", SIZE / 2);
        file("y.img", SIZE / 2);
        String placed = target.replaceAll("\\b([a-z]+\\.(?:img|log|qcow2))\\b", folder + "/$1");
        copied("copy", from.toString(), placed, "--verify");
        if (target.startsWith("mirror")) {
            assertThat(Files.mismatch(from, to)).isEqualTo(-1);
            return;
        }
        Path back = file("back.img", SIZE);
        copied("copy", placed, back.toString(), "--verify");
        assertThat(Files.mismatch(from, back)).isEqualTo(-1);
    }

    @Test
    void goesOnWhereItWasKilled() throws Exception {
        // Stops in the middle of the first copy, and not in the one that goes on.
        String stopping = "fault(%s; hang, op=write, after=12)".formatted(to);
        write(from, 0, random(SIZE));
        Path journal = folder.resolve("copy.journal");
        List<String> words =
                Program.words(
                        "copy",
                        from.toString(),
                        stopping,
                        "--parallel",
                        "1",
                        "--journal",
                        journal.toString());
        Process process =
                new ProcessBuilder(words)
                        .redirectErrorStream(true)
                        .redirectOutput(folder.resolve("copy.log").toFile())
                        .start();
        boolean stopped =
                Deadline.in(Duration.ofMinutes(1))
                        .poll(
                                Duration.ofMillis(5),
                                () -> isInTheMiddle(journal) || !process.isAlive());
        boolean _ = process.toHandle().destroyForcibly();
        process.waitFor();
        assertThat(stopped).isTrue();
        assertThat(journal).exists();

        assertThat(Run.of("copy", from + "", stopping, "--journal", journal + "").errorLines())
                .containsExactly(
                        "ublk4j: %s is there, of a copy that has not ended; --resume goes on with it, or delete it"
                                .formatted(journal));
        Path third = file("third.img", SIZE);
        assertThat(
                        Run.of("copy", from + "", third + "", "--journal", journal + "", "--resume")
                                .err())
                .contains("is of a copy of");
        copied("copy", from + "", stopping, "--journal", journal + "", "--resume", "--verify");
        assertThat(Files.mismatch(from, to)).isEqualTo(-1);
        assertThat(journal).doesNotExist();
    }

    private static boolean isInTheMiddle(Path journal) {
        try {
            return Files.exists(journal)
                    && Files.readString(journal).contains("\"done\":%d}".formatted(12 * MIB));
        } catch (IOException e) {
            // It is being replaced.
            return false;
        }
    }

    @Test
    void dataThatBeginsWithinABlockOfTheDestinationIsCopied() throws IOException {
        String small = "qcow2:" + folder + "/small.qcow2,create=1M,cluster=512";
        try (TestBed bed = TestBed.of(TargetWords.readSpec(small).openShaped())) {
            // Alone in a block, over the end of one, and several in one.
            for (int sector : new int[] {1, 15, 16, 33, 35, 38, 2047}) {
                bed.write(512L * sector, random(512));
            }
        }
        Path blocks = file("blocks.img", MIB);
        write(blocks, 0, random(MIB));
        copied("copy", small, "file:" + blocks + ",block-size=4K", "--verify");
        Path plain = file("plain.img", MIB);
        copied("copy", small, plain + "", "--verify");
        assertThat(Files.mismatch(plain, blocks)).isEqualTo(-1);
    }

    @Test
    void aJournalThatCannotBeWrittenIsNamedAndLeavesNothing() throws IOException {
        // What is written first has the name of a folder that is not empty.
        Path journal = folder.resolve("copy.journal");
        Path taken = Files.createDirectories(folder.resolve(".copy.journal.ublk4j-copy/full"));
        Run run = Run.of("copy", from + "", to + "", "--journal", journal + "");
        assertThat(run.status()).isEqualTo(Main.FAILED);
        assertThat(run.err()).startsWith("ublk4j: cannot write the journal " + journal + ": ");
        assertThat(taken).exists();
        assertThat(journal).doesNotExist();
    }

    @Test
    void aPipeIsNoJournal() throws Exception {
        Path pipe = folder.resolve("pipe");
        assertThat(new ProcessBuilder("mkfifo", pipe + "").start().waitFor()).isZero();
        assertThat(Run.of("copy", from + "", to + "", "--journal", pipe + "", "--resume").err())
                .contains("is no journal of a copy");
    }

    @Test
    void whatFailsAPieceIsToldAsItIs() {
        Target broken =
                new ForwardingTarget(new MemoryTarget(MIB)) {
                    @Override
                    public <A> @Nullable A ability(Class<A> type) {
                        return type == AllocationMap.class ? type.cast(FAILS) : super.ability(type);
                    }
                };
        try (Copier copier = Copier.of("one", broken, "other", () -> new MemoryTarget(MIB), 2)) {
            assertThatThrownBy(() -> copier.copy(null, false, _ -> {}))
                    .isInstanceOf(LinkageError.class)
                    .hasMessage("no descriptor");
        }
    }

    private static final AllocationMap FAILS =
            (_, _, _) -> {
                throw new NoClassDefFoundError("no descriptor");
            };

    @Test
    void tellsAProgramInObjects() {
        Run run = copied("copy", from.toString(), to.toString(), "--json", "--verify");
        List<String> lines = run.out().lines().toList();
        assertThat(lines).hasSizeGreaterThan(2);
        for (String line : lines) {
            try (JsonParser json = Json.parser(line)) {
                assertThat(json.nextToken()).isEqualTo(JsonToken.START_OBJECT);
            }
        }
        assertThat(lines.getLast()).isEqualTo("{\"phase\":\"done\",\"verified\":true}");
    }

    @Test
    void showsABarWithAnEstimate() {
        assertThat(copied("copy", from.toString(), to.toString(), "--progress").err())
                .contains("copy [==============================] 100 %  16.0 MiB of 16.0 MiB")
                .contains("left");
    }

    @Test
    void namesTheFirstByteThatDiffers() throws IOException {
        try (Copier copier =
                Copier.of("one", new MemoryTarget(MIB), "other", () -> new MemoryTarget(MIB), 1)) {
            Copier.Progress _ = copier.verify(_ -> {});
        }
        Path wrong = file("wrong.img", SIZE);
        write(wrong, 5 * MIB + 7, new byte[] {1});
        try (Copier copier =
                Copier.of(
                        "one",
                        TargetWords.readSpec(file("empty.img", SIZE).toString()).openShaped(),
                        "other",
                        () -> TargetWords.readSpec(wrong.toString()).openShaped(),
                        1)) {
            assertThatThrownBy(() -> copier.verify(_ -> {}))
                    .isInstanceOf(Failure.class)
                    .hasMessage("other differs from one at byte " + (5 * MIB + 7));
        }
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    from.img small.img                          | small.img has 1048576 bytes, fewer than the 16777216 of
                    from.img from.img                           | is given twice
                    from.img nowhere.img                        | no such file
                    from.img file:to.img,read-only              | is read-only
                    from.img to.img --resume                    | --resume needs the --journal
                    from.img to.img --parallel 0                | --parallel is not between 1 and 64: 0
                    from.img to.img --resume --journal none.log | there is nothing to resume
                    memory(1M) to.img                           | memory is not made of other targets
                    fault(from.img;error=EIO,op=read,from=4M) to.img | cannot read
                    from.img fault(to.img;error=EIO,op=write,from=4M) | cannot write
                    """)
    void saysInOneLineWhatIsWrong(String line, String reason) throws IOException {
        file("small.img", MIB);
        write(from, 0, random(SIZE));
        String placed = line.replaceAll("\\b([a-z]+\\.(?:img|log))\\b", folder + "/$1");
        List<String> words = Words.of("copy " + placed);
        Run run = Run.of(words.toArray(String[]::new));
        assertThat(run.status()).isNotZero();
        assertThat(run.errorLines()).hasSize(1);
        assertThat(run.err()).startsWith("ublk4j: ").contains(reason);
    }
}
