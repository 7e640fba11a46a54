package dev.ublk4j.conformance.device;

import dev.ublk4j.driver.Driver;
import dev.ublk4j.uapi.ControlCommand;
import dev.ublk4j.uapi.wire.ControlCommandLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;

/** Control commands with any content. */
public final class RawControl {
    /** An address at which no process has memory. */
    public static final long WILD = 8;

    private static final Duration TIMEOUT = Duration.ofMinutes(4);

    private final Driver driver;
    private volatile Duration timeout = TIMEOUT;

    /** Speaks to a driver. */
    public RawControl(Driver driver) {
        this.driver = driver;
    }

    /** Gives commands another time from now on. */
    public void patience(Duration patience) {
        timeout = patience;
    }

    /** Gives commands the usual time again. */
    public void patient() {
        timeout = TIMEOUT;
    }

    /** {@return the answer to a command without a payload} */
    public int send(ControlCommand command, int device, long data) {
        return send(command.op(), device, ControlCommandLayout.NO_QUEUE, 0, 0, data);
    }

    /** {@return the answer to a command with a payload} */
    public int send(ControlCommand command, int device, MemorySegment payload) {
        return send(command, device, (int) payload.byteSize(), payload.address());
    }

    /** {@return the answer to a command with a payload of another length or at another place} */
    public int send(ControlCommand command, int device, int length, long address) {
        return send(command.op(), device, ControlCommandLayout.NO_QUEUE, length, address, 0);
    }

    /** {@return the answer to a command} */
    public int send(int op, int device, int queue, int length, long address, long data) {
        return send(op, device, queue, length, address, data, 0);
    }

    /**
     * {@return the answer to a command whose payload begins with a path}
     *
     * @param pathLength bytes of the path, its final 0 included
     */
    public int send(
            int op, int device, int queue, int length, long address, long data, int pathLength) {
        // Automatic: a command that has no answer in time may still read it.
        MemorySegment command = Arena.ofAuto().allocate(ControlCommandLayout.LAYOUT);
        ControlCommandLayout.write(command, 0, device, queue, length, address, data);
        ControlCommandLayout.devPathLen(command, 0, pathLength);
        return driver.control(op, command, timeout);
    }
}
