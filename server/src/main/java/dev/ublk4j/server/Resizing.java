package dev.ublk4j.server;

import dev.ublk4j.driver.ControlTimeoutException;
import dev.ublk4j.driver.control.Control;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.uapi.ControlCommand;

/**
 * The size of a device and its target, which changes in both or in none. The target is never the
 * smaller one: it grows first and shrinks last.
 */
final class Resizing {
    private static final String UPDATE_SIZE = "UBLK_U_CMD_UPDATE_SIZE";

    private final int device;
    private final Control control;
    private final Target target;
    private final Turn turn;
    private volatile Geometry geometry;

    /** What the device is to become; of the turn. */
    private volatile Geometry wanted;

    /** The target is closed, or about to be; of the turn. */
    private volatile boolean ended;

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
        int _ = turn.run(UPDATE_SIZE, () -> send(bytes), this::answered);
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

    private int send(long bytes) {
        if (ended) {
            throw new LinuxException(UPDATE_SIZE, "device " + device, Errno.ENODEV.negated());
        }
        wanted = geometry.withSize(bytes);
        control.require(ControlCommand.UPDATE_SIZE); // before the target is another size
        if (bytes >= geometry.size()) {
            resizeTarget(bytes);
        }
        try {
            control.resize(device, bytes / Request.SECTOR);
        } catch (ControlTimeoutException e) {
            throw e;
        } catch (LinuxException e) {
            int _ = answered(-e.number());
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
        if (answer < 0 ? grows : shrinks) {
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
