package dev.ublk4j.server;

import dev.ublk4j.driver.ControlTimeoutException;
import dev.ublk4j.driver.control.Control;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.uapi.ControlCommand;
import dev.ublk4j.uapi.Sectors;
import java.lang.System.Logger.Level;
import java.util.function.LongConsumer;

/**
 * The size of a device and its target, which changes in both or in none. The target is never the
 * smaller one: it grows first and shrinks last.
 */
final class Resizing {
    private static final System.Logger LOG = System.getLogger(Resizing.class.getName());

    private static final String UPDATE_SIZE = "UBLK_U_CMD_UPDATE_SIZE";

    private final int device;
    private final Control control;
    private final Target target;
    private final Turn turn;
    private volatile Geometry geometry;

    /** What the device is to become; of the turn. */
    private volatile Geometry wanted;

    /** The target has the wanted size already, which others gave it; of the turn. */
    private volatile boolean follows;

    /** The target is closed, or about to be; of the turn. */
    private volatile boolean ended;

    /** Is told when the device has followed its target. */
    private volatile LongConsumer listener = bytes -> {};

    Resizing(int device, Control control, Target target, Geometry geometry) {
        this.device = device;
        this.control = control;
        this.target = target;
        this.turn = new Turn(device);
        this.geometry = geometry;
        this.wanted = geometry;
    }

    /** {@return what target and device are now} */
    Geometry geometry() {
        return geometry;
    }

    /** Changes it; see {@link Device#resize}. */
    void change(long bytes) {
        change(bytes, false);
    }

    private void change(long bytes, boolean asTarget) {
        int _ = turn.run(UPDATE_SIZE, () -> send(bytes, asTarget), this::answered);
    }

    /** Takes the size of a target that others resize, from now on; the device is live. */
    void follow() {
        SelfResizing resized = target.ability(SelfResizing.class);
        if (resized != null) {
            resized.onResize(this::follow);
        }
    }

    /** Has somebody told when the device has followed its target. */
    void tell(LongConsumer newListener) {
        listener = newListener;
    }

    private void follow(long bytes) {
        if (ended || bytes == geometry.size()) {
            return;
        }
        try {
            change(bytes, true);
            listener.accept(bytes);
        } catch (RuntimeException e) {
            LOG.log(
                    Level.WARNING,
                    () ->
                            "the target of device %d has %d bytes now, but the device keeps its size: %s"
                                    .formatted(device, bytes, e.getMessage()));
        }
    }

    /**
     * Ends it: when this has returned, the target is not asked for another size any more.
     *
     * @throws ControlTimeoutException when a late command may yet ask for one
     */
    void end() {
        turn.awaitLate(UPDATE_SIZE, Control.DEFAULT_TIMEOUT);
        int _ =
                turn.run(
                        UPDATE_SIZE,
                        () -> {
                            ended = true;
                            return 0;
                        },
                        answer -> answer);
    }

    private int send(long bytes, boolean asTarget) {
        if (ended) {
            throw new LinuxException(UPDATE_SIZE, "device " + device, Errno.ENODEV.negated());
        }
        wanted = geometry.withSize(bytes);
        follows = asTarget;
        control.require(ControlCommand.UPDATE_SIZE); // before the target is another size
        if (bytes >= geometry.size()) {
            resizeTarget(bytes);
        }
        try {
            control.resize(device, bytes / Sectors.SIZE);
        } catch (ControlTimeoutException e) {
            throw e;
        } catch (Throwable e) {
            // Whatever it is, the driver has not taken the size.
            int _ = answered(Errno.EIO.negated());
            throw e;
        }
        return answered(0);
    }

    private int answered(int answer) {
        boolean grows = wanted.size() > geometry.size();
        boolean shrinks = wanted.size() < geometry.size();
        if (answer >= 0) {
            geometry = wanted;
        }
        // What others have made of the target is not undone: it may be in use.
        if (answer < 0 ? grows && !follows : shrinks) {
            resizeTarget(geometry.size());
        }
        return answer;
    }

    private void resizeTarget(long bytes) {
        Resizable resizable = target.ability(Resizable.class);
        if (resizable == null) {
            throw new UnsupportedOperationException("the size of this kind of device is fixed");
        }
        resizable.resize(bytes);
    }
}
