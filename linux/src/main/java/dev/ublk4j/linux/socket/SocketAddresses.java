package dev.ublk4j.linux.socket;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.Inet4Address;
import java.net.InetSocketAddress;
import java.nio.ByteOrder;

/** Addresses as {@code bind(2)} takes them. */
final class SocketAddresses {
    static final int AF_UNIX = 1;
    static final int AF_INET = 2;
    static final int AF_INET6 = 10;

    /** {@code sockaddr_in6} is the longest that is read back. */
    static final int MAX_BYTES = 28;

    private static final ValueLayout.OfShort PORT = JAVA_SHORT.withOrder(ByteOrder.BIG_ENDIAN);

    private SocketAddresses() {}

    /** {@return {@code AF_INET} or {@code AF_INET6}} */
    static int family(InetSocketAddress address) {
        return address.getAddress() instanceof Inet4Address ? AF_INET : AF_INET6;
    }

    /** {@return a {@code sockaddr_in} or {@code sockaddr_in6}} */
    static MemorySegment of(InetSocketAddress address, Arena arena) {
        byte[] host = address.getAddress().getAddress();
        boolean isShort = family(address) == AF_INET;
        MemorySegment bytes = arena.allocate(isShort ? 16 : MAX_BYTES, Integer.BYTES);
        bytes.set(JAVA_SHORT, 0, (short) family(address));
        bytes.set(PORT, 2, (short) address.getPort());
        MemorySegment.copy(host, 0, bytes, JAVA_BYTE, isShort ? 4 : 8, host.length);
        return bytes;
    }

    /** {@return the port of a {@code sockaddr_in} or {@code sockaddr_in6}} */
    static int port(MemorySegment address) {
        return Short.toUnsignedInt(address.get(PORT, 2));
    }

    /** {@return an integer where a call wants a pointer to one} */
    static MemorySegment pointerTo(int value, Arena arena) {
        return arena.allocateFrom(JAVA_INT, value);
    }
}
