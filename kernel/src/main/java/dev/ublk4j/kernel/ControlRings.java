package dev.ublk4j.kernel;

import dev.ublk4j.driver.ControlTimeoutException;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.uapi.ControlCommand;
import dev.ublk4j.uapi.CtrlCmd;
import dev.ublk4j.uring.CompletionHandler;
import dev.ublk4j.uring.Ring;
import dev.ublk4j.uring.RingOptions;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayDeque;

/**
 * The rings that control commands are sent over, one command at a time each.
 *
 * <p>A command may wait for long (START_DEV for the queues, DEL_DEV for openers), and others must
 * get through meanwhile, so every command under way has a ring of its own; idle rings are kept. A
 * ring whose command had no answer in time is closed, which cancels the command where the kernel
 * can.
 */
final class ControlRings implements AutoCloseable {
    /** A control command needs the 80-byte command area of a 128-byte entry. */
    private static final RingOptions OPTIONS =
            RingOptions.defaults().withEntries(4).withSqe128(true).withSingleIssuer(false);

    private static final int MAX_IDLE = 4;

    private final ArrayDeque<Ring> idle = new ArrayDeque<>();
    private boolean closed;

    int send(Fd control, int commandOp, MemorySegment command, Duration timeout) {
        Ring ring = take();
        boolean answered = false;
        try {
            long area = ring.uringCommand(control.number(), commandOp, 0);
            MemorySegment.copy(command, 0, ring.sqes(), area, CtrlCmd.SIZE);
            Answer answer = new Answer();
            long deadline = System.nanoTime() + timeout.toNanos();
            while (true) {
                long left = deadline - System.nanoTime();
                ring.submitAndWait(1, Math.max(left, 1));
                if (ring.drain(answer) > 0) {
                    answered = true;
                    return answer.result;
                }
                if (left <= 0) {
                    throw new ControlTimeoutException(
                            name(commandOp), "device " + CtrlCmd.devId(command, 0), timeout);
                }
            }
        } finally {
            if (answered) {
                giveBack(ring);
            } else {
                abandon(ring);
            }
        }
    }

    private static String name(int commandOp) {
        ControlCommand command = ControlCommand.of(commandOp);
        return command == null ? "0x" + Integer.toHexString(commandOp) : command.cName();
    }

    private Ring take() {
        synchronized (idle) {
            Ring ring = idle.poll();
            if (ring != null) {
                return ring;
            }
        }
        return Ring.open(OPTIONS);
    }

    private void giveBack(Ring ring) {
        synchronized (idle) {
            if (!closed && idle.size() < MAX_IDLE) {
                idle.push(ring);
                return;
            }
        }
        ring.close();
    }

    /**
     * Closing waits for the command, which may hang for good: that is left to a thread of its own.
     */
    private static void abandon(Ring ring) {
        Thread.ofPlatform().daemon().name("ublk-control-abandoned").start(ring::close);
    }

    @Override
    public void close() {
        synchronized (idle) {
            closed = true;
            idle.forEach(Ring::close);
            idle.clear();
        }
    }

    /** The one completion of a command. */
    private static final class Answer implements CompletionHandler {
        private int result;

        @Override
        public void onCompletion(long userData, int answer, int flags) {
            result = answer;
        }
    }
}
