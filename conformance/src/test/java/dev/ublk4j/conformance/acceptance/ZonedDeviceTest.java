package dev.ublk4j.conformance.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("A device with zones, from the command line, with blkzone and fio")
@Tag("kernel")
@Timeout(value = 9, unit = TimeUnit.MINUTES) // an emulated machine, beside others
final class ZonedDeviceTest {
    /** 16 MiB in sectors, as blkzone counts. */
    private static final int ZONE = 32768;

    @TempDir Path folder;

    private Commands commands;
    private int id = -1;

    @BeforeEach
    void theKernelHasZones() {
        commands = new Commands(folder);
        Shell.Outcome outcome =
                commands.tryRun(
                        "zgrep -qs CONFIG_BLK_DEV_ZONED=y /proc/config.gz"
                                + " || grep -qs CONFIG_BLK_DEV_ZONED=y /lib/modules/$(uname -r)/config"
                                + " || grep -qs CONFIG_BLK_DEV_ZONED=y /boot/config-$(uname -r)");
        assumeTrue(outcome.status() == 0, "the kernel was built without zoned block devices");
        commands.run("truncate -s 128M disk.img");
    }

    @AfterEach
    void deleteAll() {
        commands.tryRun("ublk4j del --all");
    }

    private String blkzone(String what) {
        return commands.run("blkzone %s /dev/ublkb%d".formatted(what, id));
    }

    private String report(int zone) {
        return blkzone("report -c 1 -o " + zone * ZONE);
    }

    private void verify() {
        String output =
                commands.run(
                        """
                        fio --name=zones --filename=/dev/ublkb%d --zonemode=zbd --direct=1 \
                            --ioengine=libaio --iodepth=4 --rw=randwrite --bs=64k --size=48M \
                            --max_open_zones=3 --offset=32M --randseed=7 --verify_state_save=0 \
                            --verify=crc32c --verify_fatal=1 --do_verify=1
                        """
                                .formatted(id));
        assertThat(output).contains("err= 0").doesNotContain("verify failed");
    }

    @Test
    void inMemoryDoesWhatBlkzoneAsks() {
        id = commands.add("zoned memory:128M --zone-size 16M --max-open 3 --conventional 1");
        assertThat(report(0)).contains("CONVENTIONAL");
        assertThat(report(2)).contains("(em)");
        blkzone("open -l %d -o %d".formatted(ZONE, 2 * ZONE));
        assertThat(report(2)).contains("(oe)");
        commands.run(
                "dd if=/dev/urandom of=/dev/ublkb%d bs=64k count=2 seek=512 oflag=direct"
                        .formatted(id));
        blkzone("close -l %d -o %d".formatted(ZONE, 2 * ZONE));
        assertThat(report(2)).contains("(cl)").contains("wptr 0x000100");
        blkzone("finish -l %d -o %d".formatted(ZONE, 3 * ZONE));
        assertThat(report(3)).contains("(fu)");
        blkzone("reset -l %d -o %d".formatted(ZONE, 2 * ZONE));
        assertThat(report(2)).contains("(em)");
        blkzone("reset");
        assertThat(report(3)).contains("(em)");
    }

    @Test
    void inMemoryHoldsWhatFioWrites() {
        id = commands.add("zoned memory:128M --zone-size 16M --max-open 3 --conventional 1");
        verify();
    }

    @Test
    void inAFileHoldsWhatFioWritesAndIsFoundByTheNextServer() throws IOException {
        id = commands.add("zoned disk.img --zone-size 16M --max-open 4 --recovery reissue");
        verify();
        blkzone("reset");
        commands.run(
                "dd if=/dev/urandom of=/dev/ublkb%d bs=64k count=3 seek=256 oflag=direct"
                        .formatted(id));
        blkzone("finish -l %d -o %d".formatted(ZONE, 2 * ZONE));
        String sum = sumOfWritten();
        commands.killServer(id);
        commands.run("ublk4j recover " + id);
        assertThat(report(1)).contains("wptr 0x000180");
        assertThat(report(2)).contains("(fu)");
        assertThat(sumOfWritten()).isEqualTo(sum);
        commands.run(
                "dd if=/dev/urandom of=/dev/ublkb%d bs=64k count=1 seek=259 oflag=direct"
                        .formatted(id));
        assertThat(report(1)).contains("wptr 0x000200");
        verify();
    }

    private String sumOfWritten() {
        return commands.run(
                "dd if=/dev/ublkb%d bs=64k count=3 skip=256 iflag=direct 2>/dev/null | sha256sum"
                        .formatted(id));
    }
}
