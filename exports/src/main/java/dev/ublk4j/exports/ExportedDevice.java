package dev.ublk4j.exports;

import dev.ublk4j.embedded.Disk;
import dev.ublk4j.embedded.EmbeddedDriver;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.Target;
import java.util.List;
import java.util.function.IntFunction;

/**
 * A target's device on the embedded driver, with a front on the thread of each queue, and the way
 * to its disk. Any thread.
 *
 * @param <F> the fronts of a protocol
 */
public final class ExportedDevice<F extends QueueFront> implements AutoCloseable {
    private final Device device;
    private final Disk disk;
    private final List<F> fronts;

    private ExportedDevice(Device device, Disk disk, List<F> fronts) {
        this.device = device;
        this.disk = disk;
        this.fronts = fronts;
    }

    /**
     * Starts a device; fronts can be given work when this has returned.
     *
     * @param driver must stay open until the device is closed
     * @param target belongs to the device from now on, also when this fails
     * @param options how to serve it
     * @param pinsMemory whether a target's fixed I/O may pin memory that is shared with the device
     * @param fronts makes the front of a queue, by its number
     * @throws dev.ublk4j.linux.LinuxException when it cannot be started
     * @throws IllegalArgumentException for a target with zones or integrity metadata, of which
     *     clients would not know
     */
    public static <F extends QueueFront> ExportedDevice<F> start(
            EmbeddedDriver driver,
            Target target,
            DeviceOptions options,
            boolean pinsMemory,
            IntFunction<F> fronts) {
        if (target.geometry().zones() != null) {
            target.close();
            throw new IllegalArgumentException(
                    "a target with zones cannot be exported, only added as a device");
        }
        if (target.geometry().integrity() != null) {
            target.close();
            throw new IllegalArgumentException(
                    "a target with integrity metadata cannot be exported, only added as a device");
        }
        GuestedTarget<F> guested = new GuestedTarget<>(target, pinsMemory, fronts);
        Device device = Device.start(driver, guested, options);
        try {
            Disk disk = driver.openBlock(device.id());
            guested.fronts().forEach(front -> front.open(disk));
            return new ExportedDevice<>(device, disk, List.copyOf(guested.fronts()));
        } catch (Throwable e) {
            device.close();
            throw e;
        }
    }

    /** {@return the device} */
    public Device device() {
        return device;
    }

    /** {@return its disk, to which the fronts send requests} */
    public Disk disk() {
        return disk;
    }

    /** {@return the fronts, by the numbers of their queues} */
    public List<F> fronts() {
        return fronts;
    }

    /** Closes the disk, and then the device. */
    @Override
    public void close() {
        disk.close();
        device.close();
    }

    @Override
    public String toString() {
        return device.toString();
    }
}
