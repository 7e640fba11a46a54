package dev.ublk4j.conformance.acceptance;

import dev.ublk4j.conformance.acceptance.MortalServer.Places;
import dev.ublk4j.kernel.KernelDriver;
import dev.ublk4j.linux.Mapping;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.ForwardingTarget;
import dev.ublk4j.server.Inheritance;
import dev.ublk4j.server.LeavesData;
import dev.ublk4j.server.Mode;
import dev.ublk4j.server.Queue;
import dev.ublk4j.server.Recovery;
import dev.ublk4j.server.Target;
import dev.ublk4j.server.TargetQueue;
import dev.ublk4j.sharing.SharingServer;
import dev.ublk4j.sharing.store.BufferStore;
import dev.ublk4j.sharing.store.Estate;
import dev.ublk4j.targets.BackingFile;
import dev.ublk4j.targets.FileTarget;
import dev.ublk4j.uapi.Feature;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/** Serves a file, in a process that is made to be killed at any moment. */
final class CrashServer {
    /** The file that is served, in the folder of the test. */
    static final String DISK = "disk.img";

    /** For how long the next server keeps memory that nobody has claimed. */
    private static final Duration GRACE = Duration.ofMinutes(10);

    private static final int DEPTH = 64;

    /** In the place of the number of a device that is to be recovered. */
    static final int NEW = -1;

    private CrashServer() {}

    /** How the data of requests reaches the target. */
    enum Data {
        COPY("copy"),
        GET_DATA("get-data"),
        USER_COPY("user-copy"),
        ZERO_COPY("zero-copy"),
        /** The driver finds half of its slots taken, and leaves those requests to the server. */
        ZERO_COPY_FALLBACK("zero-copy"),
        MANUAL_ZERO_COPY("manual-zero-copy"),
        /** It lies in memory that the load shares with the server. */
        SHARED_MEMORY("copy");

        private final Mode mode;

        Data(String mode) {
            this.mode = Mode.parse(mode);
        }

        /** {@return what a driver must have for it} */
        long features() {
            return mode.features() | (this == SHARED_MEMORY ? Feature.UBLK_F_SHMEM_ZC : 0);
        }
    }

    /**
     * A target that registers a buffer of its own where the driver wants to register the pages of
     * every other tag. A request that went there would move that buffer's data.
     */
    private static final class HalfOfTheSlots extends ForwardingTarget implements LeavesData {
        /**
         * As many as a ring has; the last are the spare ones, before them lie those of the tags.
         */
        private static final int SLOTS = 1 << 14;

        private static final long BYTES = 1L << 20;

        private final MemorySegment buffer =
                Mapping.anonymous(BYTES, Mapping.MAP_PRIVATE, Arena.global());

        HalfOfTheSlots(Target target) {
            super(target);
        }

        @Override
        public TargetQueue open(Queue queue) {
            int first = SLOTS - 2 * queue.depth();
            for (int slot = first; slot < SLOTS - queue.depth(); slot += 2) {
                queue.ring().updateBuffer(slot, buffer.address(), BYTES);
            }
            return super.open(queue);
        }
    }

    /**
     * Adds or recovers a device and serves it.
     *
     * @param arguments a file that is to hold the device's number once it is live; the folder of
     *     the file to serve; {@link Data}; {@link Recovery}; the number of the device to recover,
     *     or -1
     */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        Path announcement = Path.of(arguments[0]);
        Path folder = Path.of(arguments[1]);
        Data data = Data.valueOf(arguments[2]);
        Recovery recovery = Recovery.valueOf(arguments[3]);
        int number = Integer.parseInt(arguments[4]);
        KernelDriver driver = KernelDriver.open();
        Device device;
        if (data == Data.SHARED_MEMORY) {
            device = serveWithSharing(driver, new Places(folder), recovery, number);
        } else if (number == NEW) {
            device = Device.start(driver, target(folder, data), options(data, recovery));
        } else {
            device = Device.recover(driver, number, target(folder, data), Inheritance.none());
        }
        ServerProcess.announce(device, announcement);
        device.awaitStop();
    }

    private static Device serveWithSharing(
            KernelDriver driver, Places places, Recovery recovery, int number) throws IOException {
        Target target = target(places.folder(), Data.SHARED_MEMORY);
        if (number == NEW) {
            DeviceOptions options = options(Data.SHARED_MEMORY, recovery);
            Device device = Device.start(driver, target, options);
            SharingServer.start(device, places.options(), places.store(device.id()));
            return device;
        }
        BufferStore store = places.store(number);
        Estate estate = Estate.open(store);
        Device device = Device.recover(driver, number, target, estate.inheritance());
        SharingServer.resume(device, places.options(), store, estate, GRACE);
        return device;
    }

    private static Target target(Path folder, Data data) {
        Path file = folder.resolve(DISK);
        Target target = new FileTarget(BackingFile.open(file, BackingFile.Caching.DIRECT, false));
        return data == Data.ZERO_COPY_FALLBACK ? new HalfOfTheSlots(target) : target;
    }

    private static DeviceOptions options(Data data, Recovery recovery) {
        DeviceOptions options =
                DeviceOptions.defaults().withDepth(DEPTH).with(recovery).with(data.mode);
        return data == Data.SHARED_MEMORY ? options.with(Feature.SHMEM_ZC) : options;
    }

    /**
     * {@return a started server}
     *
     * @param archive of the classes that servers load: read where it exists, else written by a
     *     server that ends in order
     * @param folder of the file to serve
     * @param number of a device whose server has been killed, or -1 for a new device
     */
    static Process start(
            Path archive,
            Path announcement,
            Path output,
            Path folder,
            Data data,
            Recovery recovery,
            int number)
            throws IOException {
        String use = Files.exists(archive) ? "-XX:SharedArchiveFile=" : "-XX:ArchiveClassesAtExit=";
        return ServerProcess.start(
                List.of(use + archive),
                CrashServer.class,
                announcement,
                output,
                folder.toString(),
                data.name(),
                recovery.name(),
                Integer.toString(number));
    }
}
