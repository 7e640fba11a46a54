package dev.ublk4j.bench;

import dev.ublk4j.crash.CrashFailure;
import dev.ublk4j.crash.CrashLab;
import dev.ublk4j.crash.CrashOptions;
import dev.ublk4j.crash.CrashReport;
import dev.ublk4j.crash.CrashedDisk;
import dev.ublk4j.crash.LabDisk;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/**
 * Figures of crash tests: how many different disks a minute a power cut's outcomes are checked on,
 * how long until a planted bug is found, and what a recorder costs.
 */
public final class CrashRun {
    private static final int BLOCK = 4096;
    private static final int IMAGES = 40_000;

    private CrashRun() {}

    /** Prints the figures; the recording is made in the folder for temporary files. */
    public static void main(String[] arguments) throws Exception {
        explore();
        findBug();
        RecorderCost.print();
    }

    /** A log of numbered records with checksums, over blocks that are used again. */
    private record Log(LabDisk disk, boolean flushes) {
        void append(int number) {
            ByteBuffer block = ByteBuffer.allocate(BLOCK);
            block.putLong(8, number);
            for (int at = 16; at < BLOCK; at += 8) {
                block.putLong(at, number * 31L + at);
            }
            block.putLong(0, sum(block));
            disk.write((long) number % 16 * BLOCK, block.array());
            if (flushes) {
                disk.flush();
            }
        }

        int last() {
            int last = 0;
            for (int place = 0; place < 16; place++) {
                ByteBuffer block = ByteBuffer.wrap(disk.read((long) place * BLOCK, BLOCK));
                if (block.getLong(0) == sum(block)) {
                    last = Math.max(last, (int) block.getLong(8));
                }
            }
            return last;
        }

        private static long sum(ByteBuffer block) {
            CRC32C crc = new CRC32C();
            crc.update(block.array(), 8, BLOCK - 8);
            return crc.getValue() + 1;
        }
    }

    private static CrashReport run(boolean flushes, int images) throws Exception {
        return CrashLab.explore(
                CrashOptions.defaults().withImages(images),
                disk -> {
                    Log log = new Log(disk, flushes);
                    for (int i = 1; i <= 200; i++) {
                        log.append(i);
                    }
                },
                CrashRun::check);
    }

    private static void check(CrashedDisk disk) {
        int last = new Log(disk, true).last();
        if (last < 0) {
            throw new IllegalStateException("the log has " + last);
        }
    }

    private static void explore() throws Exception {
        CrashReport _ = run(false, IMAGES / 4);
        long began = System.nanoTime();
        CrashReport report = run(false, IMAGES);
        double seconds = (System.nanoTime() - began) / 1e9;
        System.out.printf(
                "different disks a minute, small store: %.0f (%d in %.1f s)%n",
                report.images() / seconds * 60, report.images(), seconds);
    }

    private static void findBug() throws Exception {
        long began = System.nanoTime();
        try {
            try (CrashLab lab = CrashLab.create()) {
                lab.record(disk -> {
                    Log log = new Log(disk, false);
                    for (int i = 1; i <= 20; i++) {
                        log.append(i);
                        lab.mark(i);
                    }
                });
                CrashReport _ =
                        lab.eachCrash(disk -> {
                            int promised = (int) disk.lastMark().orElse(0);
                            if (new Log(disk, true).last() < promised) {
                                throw new IllegalStateException("lost " + promised);
                            }
                        });
            }
        } catch (CrashFailure _) {
            System.out.printf(
                    "until a missing flush is found and explained: %.0f ms%n",
                    (System.nanoTime() - began) / 1e6);
        }
    }
}
