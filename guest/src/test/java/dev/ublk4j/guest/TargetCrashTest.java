package dev.ublk4j.guest;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.crash.CrashLab;
import dev.ublk4j.crash.CrashOptions;
import dev.ublk4j.crash.CrashReport;
import dev.ublk4j.crash.CrashedDisk;
import dev.ublk4j.crash.DiskModel;
import dev.ublk4j.guest.TargetVictim.Kind;
import dev.ublk4j.guest.TargetVictim.Write;
import dev.ublk4j.layers.Mirror;
import dev.ublk4j.layers.Mirror.LegState;
import dev.ublk4j.linux.Deadline;
import dev.ublk4j.server.Target;
import dev.ublk4j.testkit.TestBed;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Our own targets as victims, with their files on ext4: a server in the guest writes and flushes,
 * the power goes at any moment, and what the file system has then is opened again, here.
 */
@DisplayName("After a power cut, a target of ours")
@Timeout(value = 3, unit = TimeUnit.HOURS) // for the many images of guest/power-cuts
final class TargetCrashTest {
    private static final long IMAGES = Long.getLong("ublk4j.cuts", 12);
    private static final int ROUNDS = Math.clamp(IMAGES / 4, 8, 60);
    private static final long SEED = Long.getLong("ublk4j.seed", 1);
    private static final int PHYSICAL_BLOCK = 4096;
    private static final int DISK = 32 << 20;

    private static final AtomicReference<CrashLab> recorded = new AtomicReference<>();

    /** Tells of each leg that is in step again. */
    private static final Logger LAYERS = Logger.getLogger("dev.ublk4j.layers");

    private static GuestLinux linux;

    @TempDir private Path folder;

    @BeforeAll
    static void boot() throws Exception {
        GuestTools.require(List.of("mkfs.ext4"));
        LAYERS.setLevel(Level.WARNING);
        linux =
                GuestLinux.boot(
                        GuestOptions.defaults()
                                .withSlot(DISK)
                                .withOutputLimit(8 << 20)
                                .withMarks(text -> recorded.get().mark(text)));
    }

    @AfterAll
    static void powerOff() {
        LAYERS.setLevel(null);
        if (linux != null) {
            linux.close();
        }
    }

    @ParameterizedTest
    @EnumSource
    void hasEveryWriteThatWasFlushed(Kind kind) throws Exception {
        CrashOptions options =
                CrashOptions.defaults()
                        .withSize(DISK)
                        .with(DiskModel.volatileCache().tearingAt(PHYSICAL_BLOCK))
                        .withImages(IMAGES)
                        .withSeed(SEED)
                        .withTimeLimit(Duration.ofHours(1))
                        .withCheckLimit(Duration.ofMinutes(2));
        try (CrashLab lab = CrashLab.create(options)) {
            lab.prepare(disk -> {
                linux.insert(disk);
                linux.run("mkfs.ext4 -q -F /dev/vda").check();
                linux.mount(0, "/mnt", "ext4", "");
            });
            recorded.set(lab);
            lab.record(_ -> {
                serve(kind);
                linux.unmount("/mnt");
            });
            CrashReport report = lab.eachCrash(disk -> check(kind, disk));
            System.out.printf("%s: %s%n", kind, report);
            assertThat(report.images()).isPositive();
        }
    }

    private static void serve(Kind kind) throws InterruptedException {
        GuestTools.java(linux, TargetVictim.class, kind, "/mnt", ROUNDS, SEED);
    }

    private void check(Kind kind, CrashedDisk disk) throws Exception {
        if (disk.lastMark().isEmpty()) {
            // The files are being made.
            return;
        }
        linux.insert(disk);
        linux.mount(0, "/mnt", "ext4", "");
        Path here = Files.createTempDirectory(folder, "image");
        List<String> there = Arrays.asList(linux.run("ls /mnt").check().output().split("\\n"));
        for (String name : kind.files()) {
            if (there.contains(name)) {
                Files.write(here.resolve(name), linux.read("/mnt/" + name));
            }
        }
        linux.unmount("/mnt");
        compare(kind, Integer.parseInt(disk.lastMark().get().toString()), here);
        for (String name : kind.files()) {
            Files.deleteIfExists(here.resolve(name));
        }
    }

    private static void compare(Kind kind, int promised, Path here) throws IOException {
        Target target = kind.open(here);
        byte[] found;
        try (TestBed bed = TestBed.of(target)) {
            if (target instanceof Mirror mirror) {
                awaitStep(mirror);
            }
            found = bed.read(0, TargetVictim.SIZE);
        }
        compare(kind, promised, found);
        if (target instanceof Mirror mirror) {
            List<LegState> states = mirror.states();
            List<String> legs = kind.files();
            for (int i = 0; i < states.size(); i++) {
                if (states.get(i) == LegState.IN_STEP) {
                    byte[] leg = Files.readAllBytes(here.resolve(legs.get(i)));
                    assertThat(Arrays.mismatch(leg, found)).as("leg %d", i + 1).isEqualTo(-1);
                }
            }
        }
    }

    private static void awaitStep(Mirror mirror) {
        Deadline deadline = Deadline.in(Duration.ofSeconds(30));
        while (mirror.states().contains(LegState.SYNCING)) {
            assertThat(deadline.isOver()).as("the legs are in step: %s", mirror.states()).isFalse();
            LockSupport.parkNanos(100_000);
        }
    }

    /** Each sector has what was there at the flush that was promised last, or what came later. */
    private static void compare(Kind kind, int promised, byte[] found) {
        int sectors = TargetVictim.SIZE / TargetVictim.SECTOR;
        List<List<Write>> fits = new ArrayList<>();
        for (int i = 0; i < sectors; i++) {
            fits.add(new ArrayList<>());
            fits.get(i).add(new Write(0, i, 1, !kind.hasBase(), false));
        }
        for (int round = 1; round <= ROUNDS + 1; round++) {
            for (Write write : TargetVictim.round(kind, round, SEED)) {
                for (int i = write.sector(); i < write.sector() + write.sectors(); i++) {
                    if (round <= promised) {
                        fits.get(i).clear();
                    }
                    fits.get(i).add(new Write(write.id(), i, 1, write.zeroes(), false));
                }
            }
        }
        for (int i = 0; i < sectors; i++) {
            int at = i * TargetVictim.SECTOR;
            byte[] is = Arrays.copyOfRange(found, at, at + TargetVictim.SECTOR);
            assertThat(fits.get(i))
                    .as("sector %d after flush %d", i, promised)
                    .anyMatch(write -> Arrays.equals(write.bytes(), is));
        }
    }
}
