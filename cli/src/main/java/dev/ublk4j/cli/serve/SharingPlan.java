package dev.ublk4j.cli.serve;

import dev.ublk4j.cli.output.Explanation;
import dev.ublk4j.cli.output.Failure;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.server.Device;
import dev.ublk4j.sharing.SharingOptions;
import dev.ublk4j.sharing.SharingServer;
import dev.ublk4j.uapi.Feature;
import java.nio.file.Path;
import java.util.List;

/**
 * How memory is to be shared with a device.
 *
 * @param options who may hand memory over, and how much
 * @param files of hugetlbfs or tmpfs, to be shared from the start
 * @param readOnly whether only writes to the device are to use the files
 */
public record SharingPlan(SharingOptions options, List<Path> files, boolean readOnly) {
    /** Copies the list. */
    public SharingPlan {
        files = List.copyOf(files);
    }

    /** {@return a server of a device's memory, with the files shared} */
    SharingServer start(Device device) {
        if (!device.info().features().contains(Feature.SHMEM_ZC)) {
            throw new Failure(
                    "this kernel's ublk driver cannot share memory; Linux 7.1 and newer can");
        }
        SharingServer server = SharingServer.start(device, options);
        try {
            for (Path file : files) {
                share(server, file);
            }
            return server;
        } catch (RuntimeException e) {
            server.close();
            throw e;
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
