package dev.ublk4j.guest;

import dev.ublk4j.layers.DiskFault;
import dev.ublk4j.layers.FaultInjector;
import dev.ublk4j.layers.Mirror;
import dev.ublk4j.layers.MirrorLog;
import dev.ublk4j.layers.Overlay;
import dev.ublk4j.layers.OverlayMap;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.qcow2.NewImage;
import dev.ublk4j.qcow2.Qcow2Options;
import dev.ublk4j.qcow2.Qcow2Target;
import dev.ublk4j.server.Operation;
import dev.ublk4j.server.Target;
import dev.ublk4j.targets.BackingFile;
import dev.ublk4j.targets.BackingFile.Caching;
import dev.ublk4j.targets.FileTarget;
import dev.ublk4j.testkit.InFlight;
import dev.ublk4j.testkit.TestBed;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * A server of one of our own targets, whose files are in a guest. It writes to the device, flushes
 * it, and leaves a mark for each flush that was answered.
 */
final class TargetVictim {
    static final int SIZE = 1 << 20;
    static final int SECTOR = 512;

    /** The clusters of images and overlays, of which the writes are parts. */
    private static final int CLUSTER = 16 << 10;

    /**
     * Of a file system: the guest's kernel sends parts of them from memory that no disk can see.
     */
    private static final int BLOCK_SECTORS = 8;

    private static final int MOST_BLOCKS = 8;
    private static final int TOGETHER = 4;

    /** What is served, and the files that a power cut is survived in. */
    enum Kind {
        FILE(Caching.DIRECT, "disk.img"),
        BUFFERED_FILE(Caching.BUFFERED, "disk.img"),
        QCOW2(Caching.DIRECT, "disk.qcow2", "base.img"),
        BUFFERED_QCOW2(Caching.BUFFERED, "disk.qcow2", "base.img"),
        /** Whose clusters are as large as the blocks, so that each is replaced as a whole. */
        QCOW2_OF_BLOCKS(Caching.DIRECT, "disk.qcow2", "base.img"),
        OVERLAY(Caching.DIRECT, "changes.img", "map", "base.img"),
        MIRROR(Caching.DIRECT, "a.img", "b.img", "log"),
        MIRROR_THAT_LOSES_A_LEG(Caching.DIRECT, "a.img", "b.img", "log");

        private final Caching caching;
        private final List<String> files;

        Kind(Caching caching, String... files) {
            this.caching = caching;
            this.files = List.of(files);
        }

        /** {@return the names of what it is kept in} */
        List<String> files() {
            return files;
        }

        boolean hasBase() {
            return files.contains("base.img");
        }

        /** Makes what is there before anything is served. */
        void make(Path folder) throws IOException {
            for (String name : files) {
                if (name.endsWith(".img")) {
                    try (RandomAccessFile file =
                            new RandomAccessFile(folder.resolve(name).toFile(), "rw")) {
                        file.setLength(SIZE);
                    }
                }
            }
            if (hasBase()) {
                Files.write(folder.resolve("base.img"), base());
            }
            if (files.contains("disk.qcow2")) {
                int cluster = this == QCOW2_OF_BLOCKS ? BLOCK_SECTORS * SECTOR : CLUSTER;
                new NewImage(SIZE, cluster, "base.img", "raw").create(folder.resolve("disk.qcow2"));
            }
        }

        /** Opens it, for the first time or after a power cut. */
        Target open(Path folder, DiskFault... faults) throws IOException {
            return switch (this) {
                case FILE, BUFFERED_FILE -> file(folder, "disk.img", false);
                case QCOW2, BUFFERED_QCOW2, QCOW2_OF_BLOCKS ->
                        Qcow2Target.open(folder.resolve("disk.qcow2"), Qcow2Options.of(caching));
                case OVERLAY ->
                        new Overlay(
                                file(folder, "base.img", true),
                                file(folder, "changes.img", false),
                                OverlayMap.inFile(folder.resolve("map"), SIZE, CLUSTER));
                case MIRROR, MIRROR_THAT_LOSES_A_LEG ->
                        new Mirror(
                                List.of(
                                        new FaultInjector(file(folder, "a.img", false), faults),
                                        file(folder, "b.img", false)),
                                MirrorLog.inFile(folder.resolve("log")));
            };
        }

        private FileTarget file(Path folder, String name, boolean readOnly) {
            return new FileTarget(BackingFile.open(folder.resolve(name), caching, readOnly));
        }
    }

    /**
     * One of the writes that are under way together.
     *
     * @param id tells the content, with the place; none for zeroes
     */
    record Write(int id, int sector, int sectors, boolean zeroes, boolean through) {
        byte[] bytes() {
            byte[] bytes = new byte[sectors * SECTOR];
            for (int i = 0; i < sectors && !zeroes; i++) {
                System.arraycopy(content(id, sector + i), 0, bytes, i * SECTOR, SECTOR);
            }
            return bytes;
        }
    }

    private TargetVictim() {}

    /** {@return what a write puts in a sector; its own for each} */
    static byte[] content(int id, int sector) {
        byte[] bytes = new byte[SECTOR];
        new Random(id * 1_000_003L + sector).nextBytes(bytes);
        return bytes;
    }

    /** {@return what the bases have} */
    static byte[] base() {
        return new Write(0, 0, SIZE / SECTOR, false, false).bytes();
    }

    /** {@return what is written before flush number {@code round}: each in its own part} */
    static List<Write> round(Kind kind, int round, long seed) {
        Random random = new Random(seed * 31 + round);
        List<Write> writes = new ArrayList<>();
        boolean through = kind.caching == Caching.DIRECT && random.nextInt(4) == 0;
        int part = SIZE / SECTOR / TOGETHER;
        for (int i = 0; i < TOGETHER; i++) {
            int unit = kind.caching == Caching.DIRECT ? BLOCK_SECTORS : 1;
            int sectors = (1 + random.nextInt(MOST_BLOCKS * BLOCK_SECTORS / unit)) * unit;
            // A small part of the disk, so that clusters are written again.
            int at = i * part + random.nextInt(part / 4 / unit) * unit;
            writes.add(
                    new Write(
                            round * TOGETHER + i,
                            at,
                            sectors,
                            !through && random.nextInt(4) == 0,
                            through));
        }
        return writes;
    }

    /** Serves a target: its kind, the folder of its files, how many flushes, and a seed. */
    public static void main(String[] arguments) throws Exception {
        Kind kind = Kind.valueOf(arguments[0]);
        Path folder = Path.of(arguments[1]);
        int rounds = Integer.parseInt(arguments[2]);
        long seed = Long.parseLong(arguments[3]);
        kind.make(folder);
        run("sync");
        run("mark", "0");
        DiskFault[] faults = {};
        if (kind == Kind.MIRROR_THAT_LOSES_A_LEG) {
            faults =
                    new DiskFault[] {
                        DiskFault.error(Errno.EIO).on(Operation.WRITE).after(rounds * TOGETHER / 3)
                    };
        }
        try (TestBed bed = TestBed.of(kind.open(folder, faults))) {
            boolean canBeThrough = bed.device().geometry().forcedUnitAccess();
            for (int round = 1; round <= rounds; round++) {
                List<Write> writes = round(kind, round, seed);
                writeAll(bed, writes, canBeThrough);
                if (!canBeThrough || writes.stream().noneMatch(Write::through)) {
                    bed.flush();
                }
                run("mark", Integer.toString(round));
            }
            writeAll(bed, round(kind, rounds + 1, seed), canBeThrough);
        }
    }

    private static void writeAll(TestBed bed, List<Write> writes, boolean canBeThrough) {
        List<InFlight> underWay = new ArrayList<>();
        for (Write write : writes) {
            long position = (long) write.sector * SECTOR;
            byte[] bytes = write.bytes();
            MemorySegment memory = bed.memory(bytes.length).copyFrom(MemorySegment.ofArray(bytes));
            underWay.add(
                    bed.submit(request -> {
                        if (write.zeroes && bed.device().geometry().maxWriteZeroes() > 0) {
                            request.writeZeroes(position, bytes.length, true);
                        } else if (write.through && canBeThrough) {
                            request.writeThrough(position).add(memory);
                        } else {
                            request.write(position).add(memory);
                        }
                    }));
        }
        for (InFlight each : underWay) {
            long _ = each.check();
        }
    }

    /** Runs a program of the guest. */
    static void run(String... command) throws IOException, InterruptedException {
        int status = new ProcessBuilder(command).inheritIO().start().waitFor();
        if (status != 0) {
            throw new IOException(command[0] + " ended with " + status);
        }
    }
}
