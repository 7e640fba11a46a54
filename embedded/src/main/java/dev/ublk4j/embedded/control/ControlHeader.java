package dev.ublk4j.embedded.control;

import dev.ublk4j.uapi.wire.ControlCommandLayout;
import java.lang.foreign.MemorySegment;

/** A {@code struct ublksrv_ctrl_cmd} as it was when the command was sent. */
public final class ControlHeader {
    private final int deviceId;
    private final int queueId;
    private final long data;
    private final int pathLength;
    private long address;
    private int length;

    /** Copies a command. */
    public ControlHeader(MemorySegment command) {
        deviceId = ControlCommandLayout.devId(command, 0);
        queueId = ControlCommandLayout.queueId(command, 0) & 0xffff;
        length = ControlCommandLayout.len(command, 0) & 0xffff;
        address = ControlCommandLayout.addr(command, 0);
        data = ControlCommandLayout.data(command, 0);
        pathLength = ControlCommandLayout.devPathLen(command, 0) & 0xffff;
    }

    /** {@return the number of the device that it is about} */
    public int deviceId() {
        return deviceId;
    }

    int queueId() {
        return queueId;
    }

    /** {@return bytes of the payload} */
    int length() {
        return length;
    }

    /** {@return address of the payload} */
    long address() {
        return address;
    }

    long data() {
        return data;
    }

    int pathLength() {
        return pathLength;
    }

    /** Makes the payload begin behind the path. */
    void skipPath() {
        length -= pathLength;
        address += pathLength;
    }
}
