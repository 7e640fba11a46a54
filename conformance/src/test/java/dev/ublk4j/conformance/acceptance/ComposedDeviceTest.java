package dev.ublk4j.conformance.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.conformance.lane.Pause;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@DisplayName("A device whose target is made of others, from the command line")
@Tag("kernel")
@Tag("any-kernel")
final class ComposedDeviceTest {
    @TempDir Path folder;

    private Commands commands;
    private int id = -1;

    @BeforeEach
    void makeFiles() {
        commands = new Commands(folder);
        commands.run("truncate -s 16M a.img b.img c.img d.img");
    }

    @AfterEach
    void deleteAll() {
        commands.tryRun("umount mount; ublk4j del --all");
    }

    private String stat() {
        return commands.run("ublk4j stat " + id);
    }

    private void awaitInStep() {
        Pause.until("no leg is syncing", () -> !stat().contains("syncing"));
    }

    /** Writes and verifies, at this device or at a part of it. */
    private Process load(String options) throws IOException {
        return commands.start(
                """
                exec fio --name=load --filename=/dev/ublkb%d --direct=1 --ioengine=libaio \
                    --iodepth=16 --rw=randwrite --bs=4k --verify=crc32c --verify_fatal=1 \
                    --do_verify=1 --verify_state_save=0 --allow_file_create=0 %s
                """
                        .formatted(id, options),
                folder.resolve("fio.txt"));
    }

    private void awaitEnd(Process load) throws IOException, InterruptedException {
        assertThat(load.waitFor(4, TimeUnit.MINUTES)).as("the load ends").isTrue();
        assertThat(load.exitValue()).as(Files.readString(folder.resolve("fio.txt"))).isZero();
    }

    @Test
    void thatIsAStripeOfMirrorsHoldsAFileSystemAndLeavesEqualLegs() {
        id =
                commands.add(
                        "stripe 'mirror(a.img, b.img; log=ab.log)' 'mirror(c.img, d.img; log=cd.log)'");
        commands.run(
                """
                mkdir mount
                mkfs.ext4 -q /dev/ublkb%1$d
                mount /dev/ublkb%1$d mount
                cp -r /usr/include/linux mount
                (cd mount && find . -type f -print0 | xargs -0 sha256sum) >sums
                umount mount
                fsck.ext4 -fn /dev/ublkb%1$d
                mount -o ro /dev/ublkb%1$d mount
                (cd mount && sha256sum --quiet -c ../sums)
                umount mount
                """
                        .formatted(id));
        assertThat(commands.run("ublk4j list"))
                .contains("stripe(mirror(file:" + folder + "/a.img, file:" + folder + "/b.img;");
        assertThat(stat())
                .contains("leg 1.2", "leg 2.1", "in step")
                .doesNotContainPattern("leg .*, failed");

        commands.run("ublk4j del " + id);

        commands.run("cmp a.img b.img && cmp c.img d.img && ! cmp -s a.img c.img");
        assertThat(folder.resolve("run/" + id + ".json")).doesNotExist();
    }

    @Test
    void thatIsAMirrorGoesOnWithoutALegThatFailsAndResyncsItUnderLoad() throws Exception {
        // The thousandth write fails; far fewer come afterwards.
        id =
                commands.add(
                        "mirror a.img 'fault(b.img; error=EIO, op=write, every=1000)' --log ab.log");
        awaitEnd(load("--size=6M"));

        assertThat(stat()).containsPattern("leg 2 .*failed").containsPattern("leg 1 .*in step");
        assertThat(Files.readAllLines(folder.resolve("ab.log"))).contains("failed 2");
        Process load = load("--offset=8M --size=1M --rate_iops=100");
        commands.run("ublk4j resync -n %d 2".formatted(id));
        awaitInStep();
        awaitEnd(load);
        assertThat(stat())
                .doesNotContainPattern("leg .*, failed")
                .containsPattern("leg 2 .*in step");

        commands.run("ublk4j del %d && cmp a.img b.img".formatted(id));
        assertThat(Files.readAllLines(folder.resolve("ab.log"))).doesNotContain("failed 2");
    }

    @Test
    void thatIsAMirrorOfDevicesGoesOnWhenTheServerOfOneIsKilled() throws Exception {
        int leg = commands.add("file b.img --recovery fail");
        int mirror = commands.add("mirror a.img /dev/ublkb%d --log ab.log".formatted(leg));
        id = mirror;
        Process load = load("--size=8M --loops=2");
        Pause.until("there is load", () -> ServerDeathTest.isBusy(mirror, 100));
        commands.killServer(leg);
        awaitEnd(load);
        assertThat(stat()).containsPattern("leg 2 .*failed");

        commands.run("ublk4j recover %d && ublk4j resync %d 2".formatted(leg, mirror));
        awaitInStep();

        assertThat(stat()).containsPattern("leg 2 .*in step");
        commands.run("ublk4j del %d && ublk4j del %d && cmp a.img b.img".formatted(mirror, leg));
    }

    @Test
    void thatIsAnOverlayLeavesItsBaseUntilItIsCommitted() {
        commands.run("head -c 16M /dev/urandom >a.img && cp a.img before");
        id = commands.add("overlay a.img new.img --allow-commit");
        commands.run(
                """
                head -c 3M /dev/urandom >data
                dd if=data of=/dev/ublkb%1$d bs=64k seek=17 oflag=direct status=none
                cp before expected
                dd if=data of=expected bs=64k seek=17 conv=notrunc status=none
                cmp expected /dev/ublkb%1$d
                cmp before a.img
                """
                        .formatted(id));
        assertThat(stat()).contains("leg 2", "48 of 256 clusters");

        commands.run("ublk4j commit " + id);

        assertThat(stat()).contains("0 of 256 clusters");
        commands.run("cmp expected a.img && cmp expected /dev/ublkb" + id);
        commands.run("ublk4j del %d && cmp expected a.img".formatted(id));
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
                    stripe a.img b.img --chunk 16K                                                | a.img
                    stripe 'mirror(a.img, b.img; log=ab.log)' 'mirror(c.img, d.img; log=cd.log)'  | a.img b.img
                    mirror a.img b.img --log ab.log --layer fault,delay=1ms                       | a.img b.img
                    overlay a.img b.img --allow-commit                                            | a.img
                    concat a.img 'overlay(b.img, c.img)'                                          | a.img
                    """)
    void whoseServerIsKilledUnderLoadIsRecoveredWithItsData(String line, String equal)
            throws Exception {
        id = commands.add(line + " --recovery reissue");
        Process load = load("--offset=4M --size=8M --loops=2");
        Pause.until("there is load", () -> ServerDeathTest.isBusy(id, 200));

        commands.killServer(id);
        assertThat(load.isAlive()).as(Files.readString(folder.resolve("fio.txt"))).isTrue();
        commands.run("ublk4j recover " + id);

        awaitEnd(load);
        awaitInStep();
        assertThat(stat()).doesNotContainPattern("leg .*, failed").containsPattern("failed +0");
        if (line.startsWith("overlay")) {
            commands.run("ublk4j commit %d && cmp a.img /dev/ublkb%<d".formatted(id));
        }
        commands.run("ublk4j del " + id);
        String[] legs = equal.strip().split(" ", -1);
        commands.run("cmp %s %s".formatted(legs[0], legs[legs.length - 1]));
    }

    @Test
    void withAFaultFailsWhatThatNames() {
        id = commands.add("memory 8M --layer fault,error=ENOSPC,op=write,from=1M,to=2M");

        commands.run("dd if=/dev/zero of=/dev/ublkb%d bs=64k count=16 oflag=direct".formatted(id));
        Shell.Outcome refused =
                commands.tryRun(
                        "LC_ALL=C dd if=/dev/zero of=/dev/ublkb%d bs=64k seek=20 count=1 oflag=direct"
                                .formatted(id));
        assertThat(refused.status()).isNotZero();
        assertThat(refused.output()).contains("No space left on device");
        commands.run(
                "dd if=/dev/ublkb%d of=/dev/null bs=64k skip=20 count=1 iflag=direct"
                        .formatted(id));
        assertThat(stat()).containsPattern("failed +1");
    }

    @Test
    void withADelayTakesAtLeastAsLong() {
        id = commands.add("memory 8M --layer fault,delay=300ms,op=read");
        long began = System.nanoTime();
        commands.run("dd if=/dev/ublkb%d of=/dev/null bs=4k count=4 iflag=direct".formatted(id));

        // No less than the delays one after the other; how much more is the machine's affair.
        assertThat(System.nanoTime() - began).isGreaterThanOrEqualTo(4 * 300_000_000L);
    }
}
