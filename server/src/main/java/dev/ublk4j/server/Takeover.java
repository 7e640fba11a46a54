package dev.ublk4j.server;

import dev.ublk4j.driver.MissingFeatureException;
import dev.ublk4j.driver.control.Control;
import dev.ublk4j.driver.spi.CharDevice;
import dev.ublk4j.linux.Deadline;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.uapi.DeviceInfo;
import dev.ublk4j.uapi.DeviceState;
import dev.ublk4j.uapi.Feature;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/** Puts this process in the place of a device's former server. */
final class Takeover {
    /*
     * Shared buffers:
     * ---------------
     * Requests go to the queues as soon as these have fetched their tags, which is before
     * END_USER_RECOVERY. So every buffer that this process has is in the table before that.
     *
     * REG_BUF and UNREG_BUF first wait for the device's requests. On a quiesced device those wait for a
     * server, and both commands hold the lock that END_USER_RECOVERY needs: the device would hang for
     * good. So a buffer that is lost is unregistered when the device is live. Until then a request that
     * names it fails; it cannot be made to wait, since it is what UNREG_BUF waits for. A device that
     * fails its requests keeps none: there it is done before any request can come.
     */
    private static final System.Logger LOG = System.getLogger(Takeover.class.getName());

    /** How long the driver may take to notice that the former server is gone. */
    private static final Duration DEATH_PATIENCE = Duration.ofSeconds(15);

    private static final long PAUSE_NANOS = 10_000_000;

    private final Control control;
    private final int id;
    private final Target target;
    private final Inheritance inherited;
    private final Duration patience;

    Takeover(Control control, int id, Target target, Inheritance inherited) {
        this(control, id, target, inherited, DEATH_PATIENCE);
    }

    /**
     * Prepares it.
     *
     * @param patience how long the former server may take to be gone
     */
    Takeover(Control control, int id, Target target, Inheritance inherited, Duration patience) {
        this.control = control;
        this.id = id;
        this.target = target;
        this.inherited = inherited;
        this.patience = patience;
    }

    Device run() {
        Undo undo = new Undo();
        undo.add(target::close);
        try {
            Geometry geometry = target.geometry();
            begin();
            DeviceInfo info = control.info(id);
            requirePerIo(info);
            Geometry device = new Promises(info, control.params(id)).keptBy(target, geometry);
            if (info.state() == DeviceState.UBLK_S_DEV_FAIL_IO) {
                unregisterLost();
            }
            CharDevice charDevice = control.driver().open(id);
            undo.add(charDevice::close);
            Device taken = new Device(control, target, device, info, charDevice);
            undo.replace(taken::letGo);
            inherited.buffers().forEach(taken.buffers()::adopt);
            taken.startQueues();
            // Late, it makes a device live whose server is about to go: it waits for another again.
            control.endRecovery(id, ProcessHandle.current().pid());
            if (info.state() != DeviceState.UBLK_S_DEV_FAIL_IO) {
                unregisterLost();
            }
            taken.followTarget();
            LOG.log(Level.DEBUG, () -> taken + " is live again on " + control.driver().name());
            return taken;
        } catch (Throwable e) {
            undo.run(e);
            throw e;
        }
    }

    private void requirePerIo(DeviceInfo info) {
        boolean may = Feature.PER_IO_DAEMON.in(info.flags()) || Feature.BATCH_IO.in(info.flags());
        if (!may && Device.threadsOf(target) != null) {
            throw MissingFeatureException.of(Feature.PER_IO_DAEMON, control.driver().name());
        }
    }

    /** The driver takes a server for alive until its last thread and mapping are gone. */
    private void begin() {
        Deadline deadline = Deadline.in(patience);
        while (true) {
            try {
                control.startRecovery(id);
                return;
            } catch (LinuxException e) {
                if (e.errno() != Errno.EBUSY || deadline.isOver()) {
                    throw e;
                }
            }
            LockSupport.parkNanos(PAUSE_NANOS);
        }
    }

    private void unregisterLost() {
        for (int index : inherited.lost()) {
            try {
                control.unregisterBuffer(id, index);
            } catch (LinuxException e) {
                // As good: the former server may have died on its way to do the same.
                if (e.errno() != Errno.ENOENT) {
                    throw e;
                }
            }
        }
    }
}
