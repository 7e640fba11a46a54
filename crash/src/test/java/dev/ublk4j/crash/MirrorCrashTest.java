package dev.ublk4j.crash;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.ublk4j.layers.Mirror;
import dev.ublk4j.layers.Mirror.LegState;
import dev.ublk4j.layers.MirrorLog;
import dev.ublk4j.linux.Deadline;
import dev.ublk4j.server.BlockingTarget;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.SimpleTarget;
import dev.ublk4j.testkit.TestBed;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.locks.LockSupport;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A mirror as the victim: both of its legs lose their power at the same instant. */
@DisplayName("After a power cut of both legs, a mirror")
class MirrorCrashTest {
    private static final int LEG = 64 << 10;
    private static final int BLOCK = 4096;
    private static final int BLOCKS = 4;
    private static final int FLUSHES = 6;

    /** Tells of each leg that is in step again. */
    private static final Logger LAYERS = Logger.getLogger("dev.ublk4j.layers");

    @TempDir Path folder;

    @BeforeAll
    static void beQuiet() {
        LAYERS.setLevel(Level.WARNING);
    }

    @AfterAll
    static void beLoud() {
        LAYERS.setLevel(null);
    }

    /** Half of a disk of the lab, with a cache of its own: a flush is of this half alone. */
    private static final class Leg implements SimpleTarget, BlockingTarget {
        private final LabDisk disk;
        private final long start;
        private final boolean lies;
        private final TreeMap<Long, byte[]> cached = new TreeMap<>();

        Leg(LabDisk disk, int number, boolean lies) {
            this.disk = disk;
            this.start = (long) number * LEG;
            this.lies = lies;
        }

        @Override
        public Geometry geometry() {
            return Geometry.ofSize(LEG).withVolatileCache();
        }

        @Override
        public int read(Request request) {
            byte[] found = disk.read(start + request.offset(), request.whole());
            request.data().copyFrom(MemorySegment.ofArray(found));
            return request.whole();
        }

        @Override
        public int write(Request request) {
            byte[] data = request.data().toArray(ValueLayout.JAVA_BYTE);
            disk.write(start + request.offset(), data);
            synchronized (cached) {
                for (int at = 0; at < data.length; at += DiskModel.SECTOR) {
                    byte[] sector = Arrays.copyOfRange(data, at, at + DiskModel.SECTOR);
                    cached.put(start + request.offset() + at, sector);
                }
            }
            return request.whole();
        }

        /** What has been written is written again, through: the same, and durable from then on. */
        @Override
        public int flush(Request request) {
            synchronized (cached) {
                if (!lies) {
                    cached.forEach(disk::writeThrough);
                }
                cached.clear();
            }
            return 0;
        }
    }

    private static Mirror mirror(LabDisk disk, Path log, boolean firstLies) throws IOException {
        return new Mirror(
                List.of(new Leg(disk, 0, firstLies), new Leg(disk, 1, false)),
                MirrorLog.inFile(log));
    }

    private static byte[] block(int flush) {
        byte[] data = new byte[BLOCK];
        Arrays.fill(data, (byte) flush);
        return data;
    }

    private CrashReport cut(boolean firstLies) throws Exception {
        Path log = folder.resolve("log");
        Path logAtCut = folder.resolve("log at the cut");
        CrashOptions options = CrashOptions.defaults().withSize(2 * LEG).withImages(120);
        try (CrashLab lab = CrashLab.create(options)) {
            lab.record(disk -> {
                try (TestBed bed = TestBed.of(mirror(disk, log, firstLies))) {
                    for (int i = 1; i <= FLUSHES; i++) {
                        bed.write((long) i % BLOCKS * BLOCK, block(i));
                        bed.flush();
                        lab.mark(i);
                    }
                    bed.write(0, block(FLUSHES + 1));
                    Files.copy(log, logAtCut);
                }
            });
            return lab.eachCrash(disk -> {
                Files.copy(logAtCut, log, StandardCopyOption.REPLACE_EXISTING);
                check(disk, log);
            });
        }
    }

    private static void check(CrashedDisk disk, Path log) throws IOException {
        int promised = (int) disk.lastMark().orElse(0);
        Mirror mirror = mirror(disk, log, false);
        byte[] found;
        try (TestBed bed = TestBed.of(mirror)) {
            Deadline deadline = Deadline.in(Duration.ofSeconds(5));
            while (mirror.states().contains(LegState.SYNCING) && !deadline.isOver()) {
                LockSupport.parkNanos(10_000);
            }
            assertThat(mirror.states()).containsOnly(LegState.IN_STEP);
            found = bed.read(0, LEG);
        }
        for (int at = 0; at < BLOCKS * BLOCK; at++) {
            // The block had this at the flush that was promised last, or gets it later.
            int block = at / BLOCK;
            int value = found[at];
            boolean isOfBlock = value == 0 || value == FLUSHES + 1 && block == 0;
            int last = 0;
            for (int i = 1; i <= FLUSHES; i++) {
                if (i % BLOCKS == block) {
                    last = i <= promised ? i : last;
                    isOfBlock |= value == i;
                }
            }
            assertThat(isOfBlock && value >= last)
                    .as("byte %d is %d after flush %d", at, value, promised)
                    .isTrue();
        }
        assertThat(disk.read(0, LEG)).isEqualTo(found);
        assertThat(disk.read(LEG, LEG)).isEqualTo(found);
    }

    @Test
    void hasEveryWriteThatWasFlushedOnBothLegs() throws Exception {
        assertThat(cut(false).images()).isGreaterThan(60);
    }

    @Test
    void doesNotHideALegThatLosesWhatWasFlushed() {
        assertThatThrownBy(() -> cut(true))
                .isInstanceOf(CrashFailure.class)
                .hasMessageContaining("after flush");
    }
}
