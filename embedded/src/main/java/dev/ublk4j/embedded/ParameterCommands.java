package dev.ublk4j.embedded;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.internal.UserMemory;
import dev.ublk4j.uapi.wire.Params;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** {@code SET_PARAMS} and {@code GET_PARAMS}. */
final class ParameterCommands {
    private ParameterCommands() {}

    /**
     * {@code SET_PARAMS}: refused once there is a disk; what is not valid clears all parameters.
     */
    static int set(Device device, ControlHeader header) {
        int length = payloadLength(header, true);
        if (length < 0) {
            return length;
        }
        DeviceParameters parameters = device.parameters();
        device.mutex().lock();
        try {
            if (device.isUsed()) {
                return Errno.EACCES.negated();
            }
            int answer = UserMemory.read(header.address(), parameters.bytes().asSlice(0, length));
            if (answer == 0) {
                parameters.keepKnownTypes();
                answer = parameters.validate(device.description().maxIoBytes());
            }
            if (answer < 0) {
                parameters.clear();
            }
            return answer;
        } finally {
            device.mutex().unlock();
        }
    }

    /** {@code GET_PARAMS}. */
    static int get(Device device, ControlHeader header) {
        int length = payloadLength(header, false);
        if (length < 0) {
            return length;
        }
        DeviceParameters parameters = device.parameters();
        device.mutex().lock();
        try {
            parameters.fillDeviceNumbers(device.id(), device.disk() != null);
            return UserMemory.write(header.address(), parameters.bytes().asSlice(0, length));
        } finally {
            device.mutex().unlock();
        }
    }

    /** {@return the bytes to copy, or a negative errno} */
    private static int payloadLength(ControlHeader header, boolean typesNeeded) {
        if (header.length() <= Params.HEADER_SIZE || header.address() == 0) {
            return Errno.EINVAL.negated();
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment head = arena.allocate(Params.HEADER_SIZE, Long.BYTES);
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
            return Math.min(length, Params.SIZE);
        }
    }
}
