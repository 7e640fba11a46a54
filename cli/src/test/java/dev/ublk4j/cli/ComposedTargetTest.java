package dev.ublk4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.cli.output.Explanation;
import dev.ublk4j.embedded.Disk;
import dev.ublk4j.embedded.EmbeddedDriver;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Inheritance;
import dev.ublk4j.server.Recovery;
import dev.ublk4j.server.Target;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayName("A target that is made of others")
@Timeout(120)
class ComposedTargetTest {
    private static final int MEGABYTE = 1 << 20;
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    @TempDir Path folder;

    @BeforeEach
    void makeFiles() throws IOException {
        for (String name : List.of("a.img", "b.img", "c.img", "d.img")) {
            make(name, MEGABYTE);
        }
    }

    private void make(String name, long size) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(folder.resolve(name).toFile(), "rw")) {
            file.setLength(size);
        }
    }

    /** {@return the words of a line, in which names stand for files of the folder} */
    private List<String> words(String line) {
        return Words.of(
                line.replaceAll(
                        "\\b((?:none\\.d/)?[a-z]+\\.(?:img|log|map|jar))\\b", folder + "/$1"));
    }

    private TargetKind kind(String line) {
        return TargetWords.read(words(line)).kind();
    }

    private List<String> files() throws IOException {
        try (Stream<Path> all = Files.list(folder)) {
            return all.map(each -> each.getFileName().toString()).sorted().toList();
        }
    }

    private static byte[] random(int bytes) {
        byte[] data = new byte[bytes];
        new Random(bytes).nextBytes(data);
        return data;
    }

    private static long write(Disk disk, byte[] data) {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment memory = arena.allocate(data.length, 4096);
            memory.copyFrom(MemorySegment.ofArray(data));
            long result = disk.write(memory, 0);
            return result < 0 ? result : Math.min(disk.flush(), 0) + result;
        }
    }

    private static byte[] read(Disk disk, int bytes) {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment memory = arena.allocate(bytes, 4096);
            disk.read(memory, 0);
            return memory.toArray(ValueLayout.JAVA_BYTE);
        }
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
                    stripe a.img b.img --chunk 4K                              | 2
                    stripe 'mirror(a.img, b.img; log=ab.log)' file:c.img       | 2
                    mirror a.img memory:1M --log ab.log                        | 1
                    concat a.img,buffered memory:512K 'stripe(c.img, d.img)'   | 3
                    overlay a.img new.img                                      | 1
                    overlay memory:1M memory:1M --cluster 4K                   | 1
                    fault memory:1M --delay 1us                                | 1
                    memory 1M --layer fault,delay=1us,op=write --layer fault,error=EIO,op=discard | 1
                    concat 'target:dev.ublk4j.cli.ComposedTargetTest$Disk64,arg=1M' | 1
                    """)
    void isServed(String line, int megabytes) {
        byte[] data = random(300 * 1024);
        try (EmbeddedDriver driver = EmbeddedDriver.create();
                Device device =
                        Device.start(driver, kind(line).openShaped(), DeviceOptions.defaults());
                Disk disk = driver.openBlock(device.id())) {
            assertThat(disk.size() / MEGABYTE).isEqualTo(megabytes);
            write(disk, data);
            assertThat(read(disk, data.length)).isEqualTo(data);
        }
    }

    /** A target of somebody's own. */
    public static final class Disk64 implements dev.ublk4j.server.SimpleTarget {
        private final MemorySegment disk;

        /** Takes its size. */
        public Disk64(long size) {
            disk = Arena.ofAuto().allocate(size);
        }

        @Override
        public Geometry geometry() {
            return Geometry.ofSize(disk.byteSize());
        }

        @Override
        public int read(dev.ublk4j.server.Request request) {
            return request.copyFrom(disk, request.offset());
        }

        @Override
        public int write(dev.ublk4j.server.Request request) {
            return request.copyTo(disk, request.offset());
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "stripe 'mirror(a.img, b.img; log=ab.log)' 'mirror(c.img,buffered, d.img; log=cd.log)'",
                "overlay -b 4K a.img new.img --layer fault,delay=1us --allow-commit",
                "fault 'target:com.example.Disk,jar=x.jar,arg=-r,arg=a,arg=1G' --error EIO --op write --every 3",
                "fault a.img --delay p50:200us/p99:5ms/max:40ms --seed 7",
                "fault a.img --rot --op write --replica 1/2 --protect 0-4K --protect 1M-2M",
                "fault a.img --torn 4K --after 3 --next 2 --probability 0.5",
                "fault a.img",
                "mirror -r a.img,offset=4K,size=8K b.img"
            })
    void isTheSameFromItsWordsInAnyFolder(String line) {
        TargetKind kind = kind(line);

        TargetKind again = TargetWords.read(kind.words()).kind();

        assertThat(again.words()).isEqualTo(kind.words());
        assertThat(again.spec()).isEqualTo(kind.spec());
        assertThat(again.source()).isEqualTo(kind.source());
    }

    @Test
    void namesFilesFromAnyFolder() {
        TargetKind kind = TargetWords.read(Words.of("mirror a.img 'concat(b.img)' --log l")).kind();

        Path here = Path.of("").toAbsolutePath();
        assertThat(kind.composition())
                .isEqualTo(
                        "mirror(file:%1$s/a.img, concat(file:%1$s/b.img); log=%1$s/l)"
                                .formatted(here));
        assertThat(kind.words())
                .containsExactly(
                        "mirror",
                        "--log=" + here + "/l",
                        "file:" + here + "/a.img",
                        "concat(file:" + here + "/b.img)");
    }

    @Test
    void isToldWithItsLayersOutermostFirst() {
        assertThat(
                        kind("memory 1G --layer fault,delay=5ms,op=read --layer fault,error=EIO,op=write,every=10")
                                .spec())
                .hasToString(
                        "fault(fault(memory:1G; delay=5ms, op=read); error=EIO, op=write, every=10)");
        assertThat(kind("memory 1G").composition()).isNull();
    }

    @ParameterizedTest(name = "{0}")
    @ValueSource(
            strings = {
                "mirror a.img b.img --log ab.log",
                "stripe 'mirror(a.img, b.img; log=ab.log)' c.img",
                "overlay a.img new.img --cluster 4K",
                "file a.img --layer fault,delay=1us"
            })
    void isRecoveredWithItsDataByAnotherServer(String line) {
        byte[] data = random(64 * 1024);
        DeviceOptions options = DeviceOptions.defaults().with(Recovery.WAIT);
        TargetKind kind = kind(line);
        List<String> words = kind.words();
        try (EmbeddedDriver driver = EmbeddedDriver.create()) {
            Device first = Device.start(driver, kind.openShaped(), options);
            try (Disk disk = driver.openBlock(first.id())) {
                write(disk, data);
            }
            first.quiesce(PATIENCE);
            first.close();
            try (Device second =
                            Device.recover(
                                    driver,
                                    first.id(),
                                    TargetWords.read(words).kind().openShaped(),
                                    Inheritance.none());
                    Disk disk = driver.openBlock(second.id())) {
                assertThat(read(disk, data.length)).isEqualTo(data);
            }
        }
    }

    @Test
    void remembersWhichLegOfAMirrorHasFailed() throws IOException {
        String line = "mirror 'fault(a.img; error=EIO, op=write)' b.img --log ab.log";
        try (EmbeddedDriver driver = EmbeddedDriver.create();
                Device device =
                        Device.start(driver, kind(line).openShaped(), DeviceOptions.defaults());
                Disk disk = driver.openBlock(device.id())) {
            write(disk, random(4096));
        }

        assertThat(Files.readAllLines(folder.resolve("ab.log"))).contains("failed 1");
        assertThat(Files.readAllBytes(folder.resolve("a.img"))).containsOnly(0);
    }

    @Test
    void anOverlayLeavesItsBaseAndMakesWhatItNeeds() throws IOException {
        byte[] before = random(MEGABYTE);
        Files.write(folder.resolve("a.img"), before);
        try (EmbeddedDriver driver = EmbeddedDriver.create();
                Device device =
                        Device.start(
                                driver,
                                kind("overlay a.img new.img").openShaped(),
                                DeviceOptions.defaults());
                Disk disk = driver.openBlock(device.id())) {
            write(disk, new byte[4096]);
        }

        assertThat(Files.readAllBytes(folder.resolve("a.img"))).isEqualTo(before);
        assertThat(Files.size(folder.resolve("new.img"))).isEqualTo(MEGABYTE);
        assertThat(files()).contains("new.img.map");
    }

    @Test
    void whatIsKeptBesideAFileIsFoundByASymbolicLinkToo() throws IOException {
        Files.createSymbolicLink(folder.resolve("link.img"), folder.resolve("a.img"));
        kind("zoned a.img --zone-size 256K").openShaped().close();
        kind("overlay b.img new.img").openShaped().close();
        Files.createSymbolicLink(folder.resolve("other.img"), folder.resolve("new.img"));
        kind("overlay b.img other.img").openShaped().close();
        assertRefused("zoned link.img --zone-size 512K", "a.img.zones is");
        assertThat(files())
                .contains("a.img.zones", "new.img.map")
                .doesNotContain("link.img.zones", "other.img.map");
    }

    @ParameterizedTest(name = "{0}")
    @ValueSource(
            strings = {
                "zoned a.img --zone-size 256K",
                "overlay a.img new.img",
                "stripe 'mirror(a.img, b.img; log=ab.log)' c.img",
                "file a.img --integrity t10-pi-1",
                "file a.img --layer record,to=rec.log"
            })
    void whatWasMadeForADeviceThatIsNotServedIsDeleted(String line) throws IOException {
        List<String> before = files();
        TargetKind kind = kind(line);
        assertThatThrownBy(() ->
                        MadeFiles.served(
                                kind,
                                target -> {
                                    target.close();
                                    throw new IllegalStateException("not served");
                                }))
                .hasMessage("not served");
        assertThat(files()).isEqualTo(before);
    }

    @Test
    void anOverlayWithoutItsMapOrWithoutItsChangesIsRefused() throws IOException {
        kind("overlay a.img new.img").openShaped().close();
        Files.delete(folder.resolve("new.img"));
        assertRefused("overlay a.img new.img", "new.img.map is the map of changes that are gone");

        Files.delete(folder.resolve("new.img.map"));
        Files.write(folder.resolve("new.img"), random(MEGABYTE));
        assertRefused("overlay a.img new.img", "has data, and its map is not there");
    }

    private void assertRefused(String line, String reason) {
        assertThatThrownBy(() -> kind(line).openShaped().close())
                .satisfies(e -> assertThat(Explanation.of(e)).contains(reason));
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
                    mirror a.img b.img                     | a mirror needs a log
                    mirror a.img --log ab.log              | mirror is made of 2 targets or more, and not of 1
                    fault                                  | fault is made of one target, and not of 0
                    overlay a.img                          | overlay is made of 2 targets, and not of 1
                    stripe a.img b.img --chunk 3K          | a chunk is a power of two
                    stripe a.img b.img,read-onyl           | file has no option 'read-onyl'
                    stripe a.img fil:b.img                 | there is no target 'fil', in: fil:
                    stripe a.img disk                      | a file of that name is file:disk
                    stripe a.img memory                    | SIZE is missing, in: memory
                    stripe a.img a.img                     | a.img is given twice
                    stripe a.img,size=8K a.img,offset=4K   | a.img is given twice
                    stripe a.img 'mirror(b.img, a.img; log=l.log)' | a.img is given twice
                    mirror a.img b.img --log b.img         | b.img is given twice
                    overlay a.img b.img --map a.img        | a.img is given twice
                    overlay a.img memory:1M --map m.map    | --map is for changes that are kept
                    overlay a.img 'concat(b.img)'          | the map of an overlay has no name by itself
                    overlay a.img,read-only new.img --allow-commit | --allow-commit is for a base that can be written
                    overlay a.img new.img -r --allow-commit | and the overlay is read-only
                    stripe a.img memory(1M)                | memory is not made of other targets, in: memory(1M); write memory:1M
                    memory 1M --layer mirror,log=l         | --layer takes fault or record, and not mirror
                    memory 1M --layer fault(null)          | --layer has a target of its own
                    memory 1M --layer fault,error=EFROB    | 'EFROB' is no errno
                    memory 1M --layer fault,error=EIO,from=4K,to=4K | no bytes lie from 4096 to 4096
                    memory 1M --layer fault,op=write       | what is to go wrong?
                    memory 1M --layer fault,lost,rot       | lost and rot are several faults
                    memory 1M --layer fault,torn=512,op=read   | torn is nothing that happens to a read
                    memory 1M --layer fault,rot,keep=1     | keep needs replica=NUMBER/COUNT
                    """)
    void isRefusedBeforeAnythingIsOpened(String line, String reason) {
        assertThatThrownBy(() -> kind(line))
                .hasMessageStartingWith("cannot open the target again: ")
                .hasMessageContaining(reason);
    }

    @Test
    void isGivenAFileOnlyOnceWhateverItsName() throws IOException {
        Files.createSymbolicLink(folder.resolve("link.img"), folder.resolve("a.img"));

        assertThatThrownBy(() -> kind("stripe a.img link.img"))
                .hasMessageContaining("link.img is given twice, the other time as ");
        kind("concat a.img,size=4K a.img,offset=4K").openShaped().close();
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
                    stripe a.img missing.img                             | no such file
                    stripe a.img big.img                                 | stripe: leg 2 has 2097152 bytes, and leg 1 has 1048576
                    mirror a.img b.img,read-only --log l.log             | mirror: leg 2 is read-only, and leg 1 is writable
                    mirror a.img 'concat(b.img, missing.img)' --log l.log | no such file
                    mirror a.img b.img,block-size=4K --log l.log         | mirror: leg 2 has blocks of 4096 bytes
                    mirror a.img b.img --log noisy.img                   | is not the log of a mirror
                    mirror a.img b.img --log none.d/x.log                | cannot be opened: no such file
                    overlay a.img d.img --map noisy.img                  | is not the map of an overlay
                    overlay a.img new.img --map none.d/x.map             | no such file
                    stripe 'overlay(b.img, new.img)' missing.img         | no such file
                    stripe 'mirror(b.img, c.img; log=l.log)' missing.img | no such file
                    stripe qcow2:new.img,create=1M missing.img           | no such file
                    stripe a.img 'fault(b.img; lost, from=1M)'           | no request can be struck from byte 1M on: the target has 1M
                    overlay a.img new.img --read-only                    | new.img is not there, and an overlay that is read-only
                    overlay a.img target:java.lang.String --map m.map    | java.lang.String is no target
                    concat a.img 'fault(stripe(b.img, c.img; chunk=2M))' | a chunk of 2097152 bytes is more than a leg
                    """)
    void leavesNothingBehindWhereALegDoesNotFit(String line, String reason) throws IOException {
        make("big.img", 2 * MEGABYTE);
        Files.write(folder.resolve("noisy.img"), random(8192));
        List<String> before = files();

        assertRefused(line, reason);

        assertThat(files()).isEqualTo(before);
        // Nobody has them any more.
        kind("concat a.img b.img c.img").openShaped().close();
    }

    @Test
    void isReadOnlyWithAllThatItIsMadeOf() {
        try (Target target = kind("stripe a.img 'mirror(b.img, c.img)' -r").openShaped()) {
            assertThat(target.geometry().readOnly()).isTrue();
            // Files that are only read are shared.
            kind("concat a.img,read-only b.img,read-only").openShaped().close();
        }
    }

    @Test
    void anOverlayThatIsReadOnlyMakesNoMap() throws IOException {
        make("empty.img", MEGABYTE);
        List<String> before = files();

        kind("overlay a.img empty.img --read-only").openShaped().close();

        assertThat(files()).isEqualTo(before);
    }

    @Test
    void isTakenByForceWhereThatIsAskedFor() {
        assertThat(kind("mirror a.img 'concat(b.img)' --log l.log").force()).isTrue();
        assertThat(kind("mirror memory:1M memory:1M").force()).isFalse();
    }

    @Test
    void ofWhichSomeGoesWithTheServerIsNotRecovered() {
        assertThat(kind("mirror a.img memory:1M --log l.log").outlivesServer()).isFalse();
        assertThat(kind("mirror a.img b.img --log l.log").outlivesServer()).isTrue();
    }

    @Test
    void failsTheRequestsThatALayerNames() {
        try (EmbeddedDriver driver = EmbeddedDriver.create();
                Device device =
                        Device.start(
                                driver,
                                kind("memory 1M --layer fault,error=ENOSPC,op=write,from=64K")
                                        .openShaped(),
                                DeviceOptions.defaults());
                Disk disk = driver.openBlock(device.id())) {
            assertThat(write(disk, new byte[64 * 1024])).isEqualTo(64 * 1024);
            assertThat(write(disk, new byte[68 * 1024])).isEqualTo(Errno.ENOSPC.negated());
        }
    }
}
