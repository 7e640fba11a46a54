package dev.ublk4j.server;

import dev.ublk4j.driver.ControlTimeoutException;
import dev.ublk4j.driver.control.Control;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The end of a device: stopped or left, its queues ended, deleted, its target closed.
 *
 * <p>Each step is done once. Whoever runs out of patience, or is refused, may try again, which does
 * what is left; and what has been begun goes on by itself as soon as that which was waited for has
 * come, so that no device and no target stays behind because somebody gave up. The target is closed
 * when the queues have ended and not before: it may have requests.
 */
final class Ending {
    private static final System.Logger LOG = System.getLogger(Ending.class.getName());

    /** How long the target may hold up a queue, or a request, that somebody waits for. */
    private static final Duration TARGET_PATIENCE = Duration.ofSeconds(30);

    private static final String STOP_DEV = "UBLK_U_CMD_STOP_DEV";
    private static final String DEL_DEV = "UBLK_U_CMD_DEL_DEV";

    private final Device device;
    private final Control control;
    private final Target target;
    private final Resizing size;
    private final Turn turn;

    /** One closes at a time, and others wait for it. */
    private final ReentrantLock closing = new ReentrantLock();

    /** Its number may be another device's from now on. */
    private volatile boolean deleted;

    private volatile boolean stopSent;
    private volatile boolean stopAnswered;
    private boolean targetClosed;

    Ending(Device device, Control control, Target target, Resizing size) {
        this.device = device;
        this.control = control;
        this.target = target;
        this.size = size;
        this.turn = new Turn(device.id());
    }

    /** {@return whether the device is gone, so that another may have its number} */
    boolean isDeleted() {
        return deleted;
    }

    /** {@return whether the driver has been told to stop the device} */
    boolean hasBegunToStop() {
        return stopSent;
    }

    /** Stops the device; returns when its queues have ended. */
    void stop() {
        if (device.end().isDone()) {
            return;
        }
        turn.awaitLate(STOP_DEV, Control.DEFAULT_TIMEOUT);
        if (!stopAnswered) {
            turn.run(
                    STOP_DEV,
                    () -> {
                        stopSent = true;
                        unlessGone(() -> control.stop(device.id()));
                        stopAnswered = true;
                        return 0;
                    },
                    answer -> {
                        stopAnswered = isDone(answer);
                        return answer;
                    });
        }
        awaitQueues();
    }

    /**
     * Waits until the queues have ended.
     *
     * @throws IllegalStateException when they do not in time
     */
    void awaitQueues() {
        try {
            if (!device.awaitStop(TARGET_PATIENCE)) {
                throw new NotEndedException(
                        "the target of %s has not completed all its requests".formatted(device));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new NotEndedException("interrupted while " + device + " stops", e);
        }
    }

    /** Stops the device, deletes it unless it is left to another server, closes the target. */
    void close() {
        end(this::stop, true);
    }

    /** Ends the queues without the driver's help, leaves the device and closes the target. */
    void leave(Departure departure) {
        end(
                () -> {
                    departure.begin();
                    awaitQueues();
                },
                false);
    }

    private void end(Runnable howToEndQueues, boolean delete) {
        closing.lock();
        try {
            howToEndQueues.run();
            try {
                if (delete && !device.isLeft() && !deleted) {
                    delete();
                }
            } finally {
                closeTarget();
            }
        } catch (ControlTimeoutException e) {
            goOnAfter(e.outcome(), () -> end(howToEndQueues, delete));
            throw e;
        } catch (NotEndedException e) {
            goOnAfter(device.end(), () -> end(howToEndQueues, delete));
            throw e;
        } finally {
            closing.unlock();
        }
    }

    private void delete() {
        turn.awaitLate(DEL_DEV, Control.DEFAULT_TIMEOUT);
        if (!deleted) {
            turn.run(
                    DEL_DEV,
                    () -> {
                        if (!device.isGone()) {
                            unlessGone(() -> control.delete(device.id()));
                        }
                        deleted = true;
                        return 0;
                    },
                    answer -> {
                        deleted = isDone(answer);
                        return answer;
                    });
        }
    }

    private void closeTarget() {
        if (!targetClosed) {
            size.end();
            targetClosed = true;
            target.close();
            LOG.log(
                    Level.DEBUG,
                    () ->
                            device
                                    + (device.isLeft()
                                            ? " waits for another server"
                                            : deleted ? " is deleted" : " has ended"));
        }
    }

    private void goOnAfter(CompletionStage<?> event, Runnable rest) {
        // On a thread of its own: what has come may have come to a queue's thread.
        CompletionStage<?> _ =
                event.whenCompleteAsync(
                        (_, _) -> goOn(rest),
                        task -> Thread.ofVirtual().name(device + "-end").start(task));
    }

    private void goOn(Runnable rest) {
        try {
            rest.run();
        } catch (RuntimeException e) {
            LOG.log(Level.WARNING, () -> device + " has not ended yet", e);
        }
    }

    private static boolean isDone(int answer) {
        return answer >= 0 || answer == Errno.ENODEV.negated();
    }

    /** Somebody else may have deleted the device, which is as good. */
    private static void unlessGone(Runnable command) {
        try {
            command.run();
        } catch (LinuxException e) {
            if (e.errno() != Errno.ENODEV) {
                throw e;
            }
        }
    }

    /** Queues that have not ended in time. */
    static final class NotEndedException extends IllegalStateException {
        private static final long serialVersionUID = 1L;

        NotEndedException(String message) {
            super(message);
        }

        NotEndedException(String message, InterruptedException cause) {
            super(message, cause);
        }
    }
}
