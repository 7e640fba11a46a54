package dev.ublk4j.cli.serve;

import dev.ublk4j.cli.output.Explanation;
import dev.ublk4j.cli.output.Failure;
import dev.ublk4j.driver.Driver;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.Recovery;
import dev.ublk4j.server.Target;
import dev.ublk4j.sharing.SharingOptions;
import dev.ublk4j.sharing.SharingServer;
import dev.ublk4j.sharing.store.BufferStore;
import dev.ublk4j.sharing.store.Estate;
import dev.ublk4j.uapi.Feature;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.Supplier;

/**
 * How memory is to be shared with a device.
 *
 * @param options who may hand memory over, and how much
 * @param files of hugetlbfs or tmpfs, to be shared from the start
 * @param readOnly whether only writes to the device are to use the files
 */
public record SharingPlan(SharingOptions options, List<Path> files, boolean readOnly) {
    private static final System.Logger LOG = System.getLogger(SharingPlan.class.getName());

    private static final Duration LEAVE_PATIENCE = Duration.ofSeconds(10);

    /** Copies the list. */
    public SharingPlan {
        files = List.copyOf(files);
    }

    /**
     * Serves a device's memory, with the files shared.
     *
     * @param device just started; closed when this fails
     * @param folder where it is noted what is shared, for a server after this one
     */
    public LiveDevice start(Device device, RunFolder folder) {
        try {
            if (!device.info().features().contains(Feature.SHMEM_ZC)) {
                throw new Failure(
                        "this kernel's ublk driver cannot share memory; Linux 7.1 and newer can");
            }
            BufferStore store =
                    Recovery.of(device.info().flags()) == Recovery.NONE
                            ? BufferStore.none()
                            : BufferStores.begin(folder, device.id());
            SharingServer server = SharingServer.start(device, options, store);
            try {
                shareFiles(server);
            } catch (Throwable e) {
                server.close();
                throw e;
            }
            return new LiveDevice(device, server, false);
        } catch (Throwable e) {
            device.close();
            throw e;
        }
    }

    /**
     * Takes a device over, with the memory that a former server shared.
     *
     * @param folder where that noted what it shared
     * @param grace how long its clients may take to come back
     * @param target serves what the device holds; closed when this fails
     */
    public LiveDevice recover(
            Driver driver, int device, Supplier<Target> target, RunFolder folder, Duration grace) {
        BufferStore store = BufferStores.goOn(folder, device);
        Estate estate = Estate.open(store);
        Device recovered;
        try {
            recovered = Device.recover(driver, device, target.get(), estate.inheritance());
        } catch (Throwable e) {
            estate.abandon();
            throw e;
        }
        for (String complaint : estate.complaints()) {
            LOG.log(Level.WARNING, () -> "device %d: %s".formatted(device, complaint));
        }
        try {
            SharingServer server = SharingServer.resume(recovered, options, store, estate, grace);
            shareFiles(server);
            return new LiveDevice(recovered, server, true);
        } catch (Throwable e) {
            // For the next server, rather than gone: what does not end in order ends with the
            // process.
            try {
                recovered.quiesce(LEAVE_PATIENCE);
                recovered.close();
            } catch (Throwable late) {
                e.addSuppressed(late);
            }
            throw e;
        }
    }

    private void shareFiles(SharingServer server) {
        for (Path file : files) {
            if (!server.hasFile(file)) {
                share(server, file);
            }
        }
    }

    private void share(SharingServer server, Path file) {
        try {
            server.shareFile(file, readOnly);
        } catch (LinuxException e) {
            throw new Failure("cannot share %s: %s".formatted(file, Explanation.of(e)), e);
        }
    }
}
