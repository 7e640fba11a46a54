package dev.ublk4j.kernel;

import dev.ublk4j.driver.Driver;
import dev.ublk4j.driver.spi.CharDevice;
import dev.ublk4j.linux.Deadline;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Duration;

/** The ublk driver of the running kernel. */
public final class KernelDriver implements Driver {
    /** The node that takes control commands; there once the module {@code ublk_drv} is loaded. */
    public static final Path CONTROL = Path.of("/dev/ublk-control");

    /**
     * How long a node may take to appear, or to open, after the driver has made its device. The
     * helper that hands a node to its user is a program of its own, which has to start.
     */
    private static final Duration NODE_PATIENCE = Duration.ofSeconds(20);

    private final Fd control;
    private final ControlRings rings = new ControlRings();

    private KernelDriver(Fd control) {
        this.control = control;
    }

    /**
     * Opens {@code /dev/ublk-control}.
     *
     * @throws LinuxException {@code ENOENT} when the module is not loaded, {@code EACCES} when the
     *     user may not
     */
    public static KernelDriver open() {
        return new KernelDriver(Fd.open(CONTROL, Fd.O_RDWR));
    }

    /** {@return the char device of a device} */
    public static Path charPath(int deviceId) {
        return Path.of("/dev/ublkc" + deviceId);
    }

    /** {@return the block device of a device} */
    public static Path blockPath(int deviceId) {
        return Path.of("/dev/ublkb" + deviceId);
    }

    @Override
    public String name() {
        return "kernel " + System.getProperty("os.version");
    }

    @Override
    public int control(int commandOp, MemorySegment command, Duration timeout) {
        return rings.send(control, commandOp, command, timeout);
    }

    @Override
    public CharDevice open(int deviceId) {
        Path node = charPath(deviceId);
        Deadline deadline = Deadline.in(NODE_PATIENCE);
        while (true) {
            try {
                return new KernelCharDevice(deviceId, Fd.open(node, Fd.O_RDWR), node);
            } catch (LinuxException e) {
                // udev may still be making the node, or setting its owner.
                boolean early = e.errno() == Errno.ENOENT || e.errno() == Errno.EACCES;
                if (!early || deadline.isOver()) {
                    throw e;
                }
                Pause.briefly(e);
            }
        }
    }

    @Override
    public void close() {
        rings.close();
        control.close();
    }
}
