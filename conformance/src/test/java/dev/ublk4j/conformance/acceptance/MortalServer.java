package dev.ublk4j.conformance.acceptance;

import dev.ublk4j.kernel.KernelDriver;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.Recovery;
import dev.ublk4j.sharing.SharingOptions;
import dev.ublk4j.sharing.SharingServer;
import dev.ublk4j.sharing.store.BufferLedger;
import dev.ublk4j.sharing.store.BufferStore;
import dev.ublk4j.sharing.store.KeeperStore;
import dev.ublk4j.targets.BackingFile;
import dev.ublk4j.targets.FileTarget;
import dev.ublk4j.uapi.Feature;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A server of a file in a process of its own, whose device and shared buffers outlive it. Tests
 * kill it.
 */
final class MortalServer {
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
     * @param arguments a file that is to hold the device's number once it is live, and the folder
     */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        Places places = new Places(Path.of(arguments[1]));
        DeviceOptions options =
                DeviceOptions.defaults()
                        .withQueues(2)
                        .withDepth(32)
                        .with(Feature.SHMEM_ZC)
                        .with(Recovery.REISSUE);
        try (KernelDriver driver = KernelDriver.open();
                Device device = Device.start(driver, places.target(), options)) {
            SharingServer sharing =
                    SharingServer.start(device, places.options(), places.store(device.id()));
            ServerProcess.announce(device, Path.of(arguments[0]));
            device.awaitStop();
            System.out.println(sharing);
            // Closed, it would forget what the next server is to take over.
            sharing.stop();
        }
    }
}
