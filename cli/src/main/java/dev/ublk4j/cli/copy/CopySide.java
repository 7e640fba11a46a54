package dev.ublk4j.cli.copy;

import dev.ublk4j.cli.output.Failure;
import dev.ublk4j.embedded.Disk;
import dev.ublk4j.embedded.EmbeddedDriver;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.server.AllocationMap;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.Target;
import dev.ublk4j.uapi.Feature;
import org.jspecify.annotations.Nullable;

/**
 * One of the two targets, served as a device of this process.
 *
 * @param name what a person calls it
 * @param device the device
 * @param disk its client
 */
record CopySide(String name, Device device, Disk disk) implements AutoCloseable {
    private static final int QUEUES = 2;
    private static final int DEPTH = 64;

    /** Starts a target, which is closed with this. */
    static CopySide open(EmbeddedDriver driver, String name, Target target) {
        if (target.geometry().zones() != null) {
            target.close();
            throw new Failure(
                    "%s has zones, and a copy is not written in their order".formatted(name));
        }
        if (target.geometry().integrity() != null) {
            target.close();
            throw new Failure(
                    "%s has integrity metadata, and a copy is of the data alone".formatted(name));
        }
        DeviceOptions options =
                DeviceOptions.defaults()
                        .withQueues(QUEUES)
                        .withDepth(DEPTH)
                        .withMaxIo(CopyPlan.PIECE)
                        .with(Feature.SHMEM_ZC);
        Device device = Device.start(driver, target, options);
        try {
            return new CopySide(name, device, driver.openBlock(device.id()));
        } catch (Throwable e) {
            device.close();
            throw e;
        }
    }

    /** {@return what knows which parts hold nothing, null where nobody does} */
    @Nullable AllocationMap map() {
        return device.target().ability(AllocationMap.class);
    }

    /**
     * Checks the result of a request.
     *
     * @throws Failure when it has failed
     */
    void check(String what, long offset, long result) {
        if (result < 0) {
            Errno errno = Errno.of((int) result);
            throw new Failure(
                    "cannot %s %s at byte %d: %s (%d), %s"
                            .formatted(what, name, offset, errno, -result, errno.text()),
                    new LinuxException(what, name, result));
        }
    }

    @Override
    public void close() {
        try {
            disk.close();
        } finally {
            device.close();
        }
    }
}
