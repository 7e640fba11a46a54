package dev.ublk4j.linux.socket;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.ublk4j.linux.Fd;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * The arguments of {@code sendmsg} and {@code recvmsg}: bytes, and descriptors that travel with
 * them ({@code SCM_RIGHTS}).
 */
final class SocketMessage {
    // struct msghdr of a 64-bit machine.
    private static final int MSGHDR_BYTES = 56;
    private static final int MSG_IOV = 16;
    private static final int MSG_IOVLEN = 24;
    private static final int MSG_CONTROL = 32;
    private static final int MSG_CONTROLLEN = 40;
    private static final int MSG_FLAGS = 48;

    // struct cmsghdr; its data follow.
    private static final int CMSG_LEN = 0;
    private static final int CMSG_LEVEL = 8;
    private static final int CMSG_TYPE = 12;
    private static final int CMSG_DATA = 16;

    private static final int SOL_SOCKET = 1;
    private static final int SCM_RIGHTS = 1;
    private static final int MSG_CTRUNC = 0x8;

    private static final int IOVEC_BYTES = 16;

    private final MemorySegment header;
    private final MemorySegment control;

    /**
     * Lays out a message of one piece.
     *
     * @param descriptors how many there is room for
     */
    SocketMessage(Arena arena, MemorySegment data, int descriptors) {
        MemorySegment vector = arena.allocate(IOVEC_BYTES, Long.BYTES);
        vector.set(JAVA_LONG, 0, data.address());
        vector.set(JAVA_LONG, Long.BYTES, data.byteSize());
        long bytes = descriptors == 0 ? 0 : align(CMSG_DATA + (long) Integer.BYTES * descriptors);
        control = arena.allocate(bytes, Long.BYTES);
        header = arena.allocate(MSGHDR_BYTES, Long.BYTES);
        header.set(JAVA_LONG, MSG_IOV, vector.address());
        header.set(JAVA_LONG, MSG_IOVLEN, 1);
        header.set(JAVA_LONG, MSG_CONTROL, bytes == 0 ? 0 : control.address());
        header.set(JAVA_LONG, MSG_CONTROLLEN, bytes);
    }

    private static long align(long bytes) {
        return (bytes + Long.BYTES - 1) & -Long.BYTES;
    }

    /** {@return the address of the {@code struct msghdr}} */
    long address() {
        return header.address();
    }

    /** Puts the descriptors to send in; as many as there is room for. */
    void put(Fd... descriptors) {
        control.set(JAVA_LONG, CMSG_LEN, CMSG_DATA + (long) Integer.BYTES * descriptors.length);
        control.set(JAVA_INT, CMSG_LEVEL, SOL_SOCKET);
        control.set(JAVA_INT, CMSG_TYPE, SCM_RIGHTS);
        for (int i = 0; i < descriptors.length; i++) {
            control.set(JAVA_INT, CMSG_DATA + (long) Integer.BYTES * i, descriptors[i].number());
        }
    }

    /** {@return the descriptors that have come, which the caller owns} */
    List<Fd> take() {
        long end = header.get(JAVA_LONG, MSG_CONTROLLEN);
        List<Fd> descriptors = new ArrayList<>();
        long at = 0;
        while (at + CMSG_DATA <= end) {
            long length = control.get(JAVA_LONG, at + CMSG_LEN);
            boolean rights =
                    control.get(JAVA_INT, at + CMSG_LEVEL) == SOL_SOCKET
                            && control.get(JAVA_INT, at + CMSG_TYPE) == SCM_RIGHTS;
            for (long data = CMSG_DATA; rights && data + Integer.BYTES <= length; data += 4) {
                int number = control.get(JAVA_INT, at + data);
                descriptors.add(Fd.own(number, "descriptor from a socket"));
            }
            at += Math.max(align(length), CMSG_DATA);
        }
        return descriptors;
    }

    /** {@return whether descriptors were dropped for want of room, or because none can be open} */
    boolean isTruncated() {
        return (header.get(JAVA_INT, MSG_FLAGS) & MSG_CTRUNC) != 0;
    }
}
