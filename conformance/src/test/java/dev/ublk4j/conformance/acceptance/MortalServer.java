package dev.ublk4j.conformance.acceptance;

import dev.ublk4j.kernel.KernelDriver;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.Recovery;
import dev.ublk4j.sharing.SharingOptions;
import dev.ublk4j.sharing.SharingServer;
import dev.ublk4j.sharing.store.BufferLedger;
import dev.ublk4j.sharing.store.BufferStore;
import dev.ublk4j.sharing.store.Estate;
import dev.ublk4j.sharing.store.KeeperStore;
import dev.ublk4j.targets.BackingFile;
import dev.ublk4j.targets.FileTarget;
import dev.ublk4j.uapi.Feature;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/**
 * A server of a file in a process of its own, whose device and shared buffers outlive it. Tests
 * kill it.
 */
final class MortalServer {
    private static final Duration GRACE = Duration.ofMinutes(4);

    /** What a server and the next one have in common, below one folder. */
    record Places(Path folder) {
        FileTarget target() {
            Path file = folder.resolve("disk.img");
            return new FileTarget(BackingFile.open(file, BackingFile.Caching.BUFFERED, false));
        }

        Path keeper() {
            return folder.resolve("keeper");
        }

        BufferStore store(int device) throws IOException {
            Path file = folder.resolve("ledger");
            BufferLedger ledger =
                    Files.exists(file) ? BufferLedger.open(file) : BufferLedger.begin(file);
            return BufferStore.of(device, ledger, new KeeperStore(keeper()));
        }

        SharingOptions options() {
            return SharingOptions.defaults().withFolder(folder);
        }
    }

    private MortalServer() {}

    /**
     * Serves until it is killed.
     *
     * @param arguments a file that is to hold the device's number once it is live, the folder, and
     *     the number of a device whose server has been killed, if there is one
     */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        Places places = new Places(Path.of(arguments[1]));
        try (KernelDriver driver = KernelDriver.open()) {
            if (arguments.length == 2) {
                begin(driver, places, Path.of(arguments[0]));
            } else {
                goOn(driver, places, Path.of(arguments[0]), Integer.parseInt(arguments[2]));
            }
        }
    }

    private static void begin(KernelDriver driver, Places places, Path announcement)
            throws IOException, InterruptedException {
        DeviceOptions options =
                DeviceOptions.defaults()
                        .withQueues(2)
                        .withDepth(32)
                        .with(Feature.SHMEM_ZC)
                        .with(Recovery.REISSUE);
        try (Device device = Device.start(driver, places.target(), options)) {
            SharingServer sharing =
                    SharingServer.start(device, places.options(), places.store(device.id()));
            serve(device, sharing, announcement);
        }
    }

    private static void goOn(KernelDriver driver, Places places, Path announcement, int id)
            throws IOException, InterruptedException {
        BufferStore store = places.store(id);
        Estate estate = Estate.open(store);
        try (Device device = Device.recover(driver, id, places.target(), estate.inheritance())) {
            SharingServer sharing =
                    SharingServer.resume(device, places.options(), store, estate, GRACE);
            serve(device, sharing, announcement);
        }
    }

    private static void serve(Device device, SharingServer sharing, Path announcement)
            throws IOException, InterruptedException {
        ServerProcess.announce(device, announcement);
        device.awaitStop();
        System.out.println(sharing);
        // Closed, it would forget what the next server is to take over.
        sharing.stop();
    }
}
