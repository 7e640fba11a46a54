package dev.ublk4j.embedded.control;

import dev.ublk4j.embedded.device.UblkDevice;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.internal.UserMemory;
import dev.ublk4j.uapi.wire.ParamsLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** {@code SET_PARAMS} and {@code GET_PARAMS}. */
final class ParameterCommands {
    private ParameterCommands() {}

    /** {@code SET_PARAMS}. */
    static int set(UblkDevice device, ControlHeader header) {
        int length = payloadLength(header, true);
        return length < 0 ? length : device.life().setParameters(header.address(), length);
    }

    /** {@code GET_PARAMS}. */
    static int get(UblkDevice device, ControlHeader header) {
        int length = payloadLength(header, false);
        return length < 0 ? length : device.life().getParameters(header.address(), length);
    }

    /** {@return the bytes to copy, or a negative errno} */
    private static int payloadLength(ControlHeader header, boolean typesNeeded) {
        if (header.length() <= ParamsLayout.HEADER_SIZE || header.address() == 0) {
            return Errno.EINVAL.negated();
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment head = arena.allocate(ParamsLayout.HEADER_SIZE, Long.BYTES);
            int answer = UserMemory.read(header.address(), head);
            if (answer < 0) {
                return answer;
            }
            int length = head.get(java.lang.foreign.ValueLayout.JAVA_INT, 0);
            int types = head.get(java.lang.foreign.ValueLayout.JAVA_INT, 4);
            if (Integer.compareUnsigned(length, header.length()) > 0
                    || length == 0
                    || (typesNeeded && types == 0)) {
                return Errno.EINVAL.negated();
            }
            return Math.min(length, ParamsLayout.SIZE);
        }
    }
}
