package dev.ublk4j.server;

import dev.ublk4j.driver.Driver;
import dev.ublk4j.driver.control.Control;
import dev.ublk4j.driver.spi.CharDevice;
import dev.ublk4j.uapi.DeviceInfo;
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
    private final DeviceOptions options;

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
            DataPath.of(options.features(), target);
            Geometry geometry = target.geometry();
            Negotiation negotiation = new Negotiation(control, options);
            DeviceInfo info = control.add(request(negotiation.asked()));
            undo.add(() -> control.delete(info.deviceId()));
            negotiation.settle(info);
            control.setParams(info.deviceId(), Parameters.of(geometry, info));
            CharDevice charDevice = driver.open(info.deviceId());
            undo.add(charDevice::close);
            Device device = new Device(control, target, geometry, info, charDevice);
            undo.replace(device::takeDown);
            device.startQueues();
            // Late, it is followed by the STOP_DEV and the DEL_DEV of the way back.
            control.start(info.deviceId(), ProcessHandle.current().pid());
            LOG.log(Level.DEBUG, () -> device + " is live on " + driver.name());
            return device;
        } catch (Throwable e) {
            undo.run(e);
            throw e;
        }
    }

    private DeviceInfo request(long features) {
        return DeviceInfo.request(
                options.id(), options.queues(), options.depth(), options.maxIo(), features);
    }
}
