package dev.ublk4j.server;

import dev.ublk4j.driver.Driver;
import dev.ublk4j.driver.MissingFeatureException;
import dev.ublk4j.driver.control.Control;
import dev.ublk4j.driver.spi.CharDevice;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.uapi.DeviceInfo;
import dev.ublk4j.uapi.Feature;
import java.lang.System.Logger.Level;
import java.time.ZoneId;

/** Adds a device to a driver and puts this process behind it. */
final class Startup {
    private static final System.Logger LOG = System.getLogger(Startup.class.getName());

    static {
        // A formatter of log lines needs the time zone, whose data cannot be loaded when there are
        // no descriptors, which is when queues log; a class that failed to load once never does.
        var _ = ZoneId.systemDefault();
    }

    private final Driver driver;
    private final Target target;
    private DeviceOptions options;

    Startup(Driver driver, Target target, DeviceOptions options) {
        this.driver = driver;
        this.target = target;
        this.options = options;
    }

    Device run() {
        Control control = new Control(driver);
        Undo undo = new Undo();
        undo.add(target::close);
        try {
            settleMode(control);
            Geometry geometry = target.geometry();
            Negotiation negotiation = new Negotiation(control, options);
            DeviceInfo info = add(control, request(negotiation.asked()));
            undo.add(() -> control.delete(info.deviceId()));
            negotiation.settle(info);
            // First, as a node may take a while to belong to the user whom commands are checked
            // against.
            CharDevice charDevice = driver.open(info.deviceId());
            undo.add(charDevice::close);
            control.setParams(info.deviceId(), Parameters.of(geometry, info));
            Device device = new Device(control, target, geometry, info, charDevice);
            undo.replace(device::takeDown);
            device.startQueues();
            // Late, it is followed by the STOP_DEV and the DEL_DEV of the way back.
            control.start(info.deviceId(), ProcessHandle.current().pid());
            device.followTarget();
            LOG.log(Level.DEBUG, () -> device + " is live on " + driver.name());
            return device;
        } catch (Throwable e) {
            undo.run(e);
            throw e;
        }
    }

    private DeviceInfo add(Control control, DeviceInfo asked) {
        try {
            return control.add(asked);
        } catch (LinuxException e) {
            if (e.errno() == Errno.EINVAL && Feature.ZONED.in(asked.flags())) {
                // The driver knows the feature, and the kernel was built without zoned devices.
                MissingFeatureException missing =
                        MissingFeatureException.of(Feature.ZONED, driver.name());
                missing.addSuppressed(e);
                throw missing;
            }
            throw e;
        }
    }

    private void settleMode(Control control) {
        Geometry geometry = target.geometry();
        if (geometry.zones() != null) {
            options = options.with(Feature.ZONED);
        }
        if (geometry.integrity() != null) {
            options = options.with(Feature.INTEGRITY);
        }
        if (geometry.zones() != null || geometry.integrity() != null) {
            Mode said = Mode.of(options.features());
            if (said.data() == Mode.Data.COPY) {
                // No driver has either in that mode, which is also that of who says none.
                options = options.with(new Mode(Mode.Data.USER_COPY, said.batch()));
            }
        }
        if (options.choosesMode()) {
            options = options.with(ModeChoice.best(control, target, options.features()));
        }
        if (Device.threadsOf(target) != null && !Feature.BATCH_IO.in(options.features())) {
            options = options.with(Feature.PER_IO_DAEMON);
        }
        String unfit = Mode.unfit(options.features(), target);
        if (unfit != null) {
            throw new IllegalArgumentException(unfit);
        }
    }

    private DeviceInfo request(long features) {
        DeviceInfo info =
                DeviceInfo.request(
                        options.id(),
                        options.queues(),
                        options.depth(),
                        options.largestIo(features),
                        features);
        return info.withDescriptorStride(options.descriptorSize());
    }
}
