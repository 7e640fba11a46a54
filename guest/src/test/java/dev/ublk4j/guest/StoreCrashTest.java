package dev.ublk4j.guest;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.crash.CrashLab;
import dev.ublk4j.crash.CrashOptions;
import dev.ublk4j.crash.CrashReport;
import dev.ublk4j.crash.CrashedDisk;
import dev.ublk4j.crash.DiskModel;
import dev.ublk4j.guest.StoreVictim.Kind;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Stores of the JVM as victims, with their files on ext4. */
@DisplayName("After a power cut, a store of the JVM")
@Timeout(value = 3, unit = TimeUnit.HOURS) // for the many images of guest/power-cuts
final class StoreCrashTest {
    private static final long IMAGES = Long.getLong("ublk4j.cuts", 16);
    private static final int COUNT = Math.clamp(IMAGES / 10, 6, 30);
    private static final long SEED = Long.getLong("ublk4j.seed", 1);
    private static final int PHYSICAL_BLOCK = 4096;
    private static final int DISK = 32 << 20;

    @TempDir private Path folder;

    @ParameterizedTest
    @EnumSource
    void hasEverythingThatWasCommitted(Kind kind) throws Exception {
        GuestTools.require(List.of("mkfs.ext4"));
        CrashOptions options =
                CrashOptions.defaults()
                        .withSize(DISK)
                        .with(DiskModel.volatileCache().tearingAt(PHYSICAL_BLOCK))
                        .withImages(IMAGES)
                        .withSeed(SEED)
                        .withTimeLimit(Duration.ofHours(1))
                        .withCheckLimit(Duration.ofMinutes(2));
        AtomicReference<CrashLab> recorded = new AtomicReference<>();
        GuestOptions guest =
                GuestOptions.defaults().withSlot(DISK).withMarks(text -> recorded.get().mark(text));
        try (CrashLab lab = CrashLab.create(options);
                GuestLinux linux = GuestLinux.boot(guest)) {
            recorded.set(lab);
            lab.prepare(disk -> {
                linux.insert(disk);
                linux.run("mkfs.ext4 -q -F /dev/vda").check();
                linux.mount(0, "/mnt", "ext4", "");
                linux.run("mkdir /mnt/store && sync").check();
            });
            lab.record(_ -> {
                GuestTools.java(linux, StoreVictim.class, kind, "/mnt/store", COUNT);
                linux.unmount("/mnt");
            });
            CrashReport report = lab.eachCrash(disk -> check(linux, kind, disk));
            System.out.printf("%s: %s%n", kind, report);
            assertThat(report.images()).isPositive();
        }
    }

    private void check(GuestLinux linux, Kind kind, CrashedDisk disk) throws Exception {
        int promised = Integer.parseInt(disk.lastMark().orElse("0").toString());
        Path here = Files.createTempDirectory(folder, "image");
        linux.insert(disk);
        linux.mount(0, "/mnt", "ext4", "");
        String names = linux.run("ls /mnt/store").check().output();
        for (String name : names.lines().toList()) {
            Files.write(here.resolve(name), linux.read("/mnt/store/" + name));
        }
        linux.unmount("/mnt");
        assertThat(kind.read(here))
                .as("%d numbers were committed, and there are: %s", promised, names)
                .isGreaterThanOrEqualTo(promised);
    }
}
