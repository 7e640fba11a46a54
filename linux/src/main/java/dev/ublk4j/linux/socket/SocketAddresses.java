package dev.ublk4j.linux.socket;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.call.FileName;
import dev.ublk4j.linux.call.Syscall;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.ByteOrder;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Addresses as {@code bind(2)} takes them. */
final class SocketAddresses {
    static final int AF_UNIX = 1;
    static final int AF_INET = 2;
    static final int AF_INET6 = 10;

    private static final int IN_BYTES = 16;
    private static final int IN6_BYTES = 28;

    /** {@code sockaddr_un} is the longest that is read back. */
    private static final int MAX_BYTES = 110;

    private static final ValueLayout.OfShort PORT = JAVA_SHORT.withOrder(ByteOrder.BIG_ENDIAN);

    /** Bytes of {@code sun_path}, with a 0 at the end. */
    private static final int UNIX_PATH_BYTES = 108;

    private SocketAddresses() {}

    /** {@return {@code AF_INET} or {@code AF_INET6}} */
    static int family(InetSocketAddress address) {
        return address.getAddress() instanceof Inet4Address ? AF_INET : AF_INET6;
    }

    /** {@return a {@code sockaddr_in} or {@code sockaddr_in6}} */
    static MemorySegment of(InetSocketAddress address, Arena arena) {
        byte[] host = address.getAddress().getAddress();
        boolean isShort = family(address) == AF_INET;
        MemorySegment bytes = arena.allocate(isShort ? IN_BYTES : IN6_BYTES, Integer.BYTES);
        bytes.set(JAVA_SHORT, 0, (short) family(address));
        bytes.set(PORT, 2, (short) address.getPort());
        MemorySegment.copy(host, 0, bytes, JAVA_BYTE, isShort ? 4 : 8, host.length);
        return bytes;
    }

    /**
     * {@return a {@code sockaddr_un}}
     *
     * @throws IllegalArgumentException for a path that is too long for one
     */
    static MemorySegment of(Path path, Arena arena) {
        byte[] name = FileName.terminated(path.toString());
        if (name.length > UNIX_PATH_BYTES) {
            throw new IllegalArgumentException("the path of the socket is too long: " + path);
        }
        MemorySegment bytes = arena.allocate(2L + name.length, Integer.BYTES);
        bytes.set(JAVA_SHORT, 0, (short) AF_UNIX);
        MemorySegment.copy(name, 0, bytes, JAVA_BYTE, 2, name.length);
        return bytes;
    }

    /** {@return the port of a {@code sockaddr_in} or {@code sockaddr_in6}} */
    static int port(MemorySegment address) {
        return Short.toUnsignedInt(address.get(PORT, 2));
    }

    /**
     * {@return the address of a socket, as long as it is}
     *
     * @throws LinuxException {@code ENOTSOCK} where it is none
     */
    static MemorySegment ofSocket(Fd fd, Arena arena) {
        MemorySegment address = arena.allocate(MAX_BYTES, Integer.BYTES);
        MemorySegment length = pointerTo(MAX_BYTES, arena);
        LinuxException.check(
                "getsockname",
                fd.name(),
                Syscall.call(
                        Syscall.Call.GETSOCKNAME,
                        fd.number(),
                        address.address(),
                        length.address()));
        return address.asSlice(0, Math.min(MAX_BYTES, length.get(JAVA_INT, 0)));
    }

    /** {@return the address and port of a {@code sockaddr_in} or {@code sockaddr_in6}} */
    static @Nullable InetSocketAddress internetOrNull(MemorySegment address) {
        int family = address.get(JAVA_SHORT, 0);
        if (family != AF_INET && family != AF_INET6) {
            return null;
        }
        boolean isShort = family == AF_INET;
        MemorySegment host = isShort ? address.asSlice(4, 4) : address.asSlice(8, 16);
        try {
            return new InetSocketAddress(
                    InetAddress.getByAddress(host.toArray(JAVA_BYTE)), port(address));
        } catch (UnknownHostException e) {
            throw new AssertionError("4 or 16 bytes are an address", e);
        }
    }

    /** {@return the path of a {@code sockaddr_un}, null where it has none} */
    static @Nullable Path pathOrNull(MemorySegment address) {
        if (address.get(JAVA_SHORT, 0) != AF_UNIX || address.byteSize() <= Short.BYTES) {
            return null;
        }
        byte[] bytes = address.asSlice(Short.BYTES).toArray(JAVA_BYTE);
        int end = 0;
        while (end < bytes.length && bytes[end] != 0) {
            end++;
        }
        // A name that begins with a zero is in no file system.
        return end == 0 ? null : Path.of(FileName.text(bytes, end));
    }

    /** {@return an integer where a call wants a pointer to one} */
    static MemorySegment pointerTo(int value, Arena arena) {
        return arena.allocateFrom(JAVA_INT, value);
    }
}
