package dev.ublk4j.guest;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.crash.CrashLab;
import dev.ublk4j.crash.CrashOptions;
import dev.ublk4j.crash.CrashReport;
import dev.ublk4j.crash.CrashedDisk;
import dev.ublk4j.crash.DiskModel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * File systems of Linux as victims. They are right, so each failure here would be a false alarm of
 * the recorder, the model of the disk, or the server that the guest has its disk from.
 */
@DisplayName("After a power cut, a file system of a real kernel")
@Timeout(value = 3, unit = TimeUnit.HOURS) // for the many images of guest/power-cuts
final class FileSystemCrashTest {
    /** Images of each file system; the script {@code guest/power-cuts} asks for more. */
    private static final long IMAGES = Long.getLong("ublk4j.cuts", 16);

    /** A longer work leaves more of them. */
    private static final int ROUNDS = Math.clamp(IMAGES / 10, 8, 100);

    private static final long SEED = Long.getLong("ublk4j.seed", 1);

    /** What a guest's disk announces. */
    private static final int PHYSICAL_BLOCK = 4096;

    private enum Kind {
        EXT4("ext4", 32, "mkfs.ext4 -q -F /dev/vda", "e2fsck -f -n /dev/vda"),
        XFS("xfs", 320, "mkfs.xfs -q -f /dev/vda", "xfs_repair -n /dev/vda"),
        BTRFS("btrfs", 128, "mkfs.btrfs -q -f /dev/vda", "btrfs check --readonly /dev/vda");

        final String type;
        final long bytes;
        final String make;
        final String check;

        Kind(String type, int megabytes, String make, String check) {
            this.type = type;
            this.bytes = (long) megabytes << 20;
            this.make = make;
            this.check = check;
        }
    }

    @ParameterizedTest
    @EnumSource
    void hasEveryFileThatWasSynchronized(Kind kind) throws Exception {
        GuestTools.require(List.of(kind.make.split(" ")[0], kind.check.split(" ")[0]));
        CrashOptions options =
                CrashOptions.defaults()
                        .withSize(kind.bytes)
                        // ext4 takes it for granted that its superblock, of 1 KiB, is not torn.
                        .with(DiskModel.volatileCache().tearingAt(PHYSICAL_BLOCK))
                        .withImages(IMAGES)
                        .withSeed(SEED)
                        .withTimeLimit(Duration.ofHours(1))
                        .withCheckLimit(Duration.ofMinutes(2));
        try (CrashLab lab = CrashLab.create(options);
                GuestLinux linux = GuestLinux.boot(GuestOptions.defaults().withSlot(kind.bytes))) {
            lab.prepare(disk -> {
                linux.insert(disk);
                linux.run(kind.make).check();
            });
            lab.record(_ -> {
                linux.mount(0, "/mnt", kind.type, "");
                write(linux, lab);
                linux.unmount("/mnt");
            });
            long began = System.nanoTime();
            CrashReport report = lab.eachCrash(disk -> check(linux, kind, disk));
            System.out.printf(
                    "%s: %s, %.0f a minute%n",
                    kind.type, report, report.images() * 60e9 / (System.nanoTime() - began));
            assertThat(report.images()).isPositive();
        }
    }

    /**
     * New files, one that grows, and one that is replaced by another: each promised when synced.
     */
    private static void write(GuestLinux linux, CrashLab lab) throws Exception {
        for (int i = 1; i <= ROUNDS; i++) {
            linux.run(
                            """
                            cd /mnt
                            echo content $1 >new.$1; sync new.$1
                            echo line $1 >>log; sync log
                            echo version $1 >next; sync next; mv next current; sync .
                            rm -f new.$(($1 - 4))
                            """
                                    .replace("$1", Integer.toString(i)))
                    .check();
            lab.mark(i);
        }
    }

    private static void check(GuestLinux linux, Kind kind, CrashedDisk disk) throws Exception {
        linux.insert(disk);
        linux.mount(0, "/mnt", kind.type, "");
        int promised = (int) disk.lastMark().orElse(0);
        if (promised > 0) {
            assertThat(text(linux, "/mnt/new." + promised)).isEqualTo("content " + promised);
            assertThat(text(linux, "/mnt/log").lines().toList())
                    .hasSizeBetween(promised, promised + 1);
            assertThat(text(linux, "/mnt/current"))
                    .isIn("version " + promised, "version " + (promised + 1));
        }
        linux.unmount("/mnt");
        linux.run(kind.check).check();
    }

    private static String text(GuestLinux linux, String file) throws Exception {
        return new String(linux.read(file), StandardCharsets.UTF_8).strip();
    }
}
