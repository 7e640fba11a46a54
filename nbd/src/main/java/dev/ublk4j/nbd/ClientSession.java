package dev.ublk4j.nbd;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.socket.Socket;
import dev.ublk4j.nbd.wire.Chunk;
import dev.ublk4j.nbd.wire.Command;
import dev.ublk4j.nbd.wire.Magic;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.Objects;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.LongFunction;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/**
 * One connection to a server, from its handshake to its end. A thread sends, and another receives.
 */
final class ClientSession implements AutoCloseable {
    private static final ValueLayout.OfShort SHORT =
            JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfInt INT = JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfLong LONG =
            JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    private static final int REQUEST_BYTES = 28;
    private static final int SIMPLE_BYTES = 16;
    private static final int STRUCTURED_BYTES = 20;
    private static final int MOST_ERROR_BYTES = 4096 + 64;

    /** Errors that a server may tell of. */
    private static final Set<Errno> KNOWN =
            Set.of(
                    Errno.EPERM,
                    Errno.EIO,
                    Errno.ENOMEM,
                    Errno.EINVAL,
                    Errno.ENOSPC,
                    Errno.EOVERFLOW,
                    Errno.EOPNOTSUPP,
                    Errno.ESHUTDOWN);

    private final Link link;
    private final ClientHandshake.Export export;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment outgoing = arena.allocate(REQUEST_BYTES);
    private final MemorySegment incoming = arena.allocate(64);
    private volatile boolean broken;

    private ClientSession(Link link, ClientHandshake.Export export) {
        this.link = link;
        this.export = export;
    }

    /** Connects, and comes to an understanding with the server. */
    static ClientSession connect(
            NbdUri uri, @Nullable SSLContext context, Duration patience, Threads threads)
            throws IOException {
        Socket socket = socket(uri, patience);
        boolean isOurs = true;
        try (SocketStream stream =
                new SocketStream(
                        socket, ClientHandshake.tls(uri, context), patience, threads, () -> {})) {
            try {
                ClientHandshake.Export export = new ClientHandshake(stream, uri).run();
                isOurs = false;
                return new ClientSession(stream.handOver(), export);
            } finally {
                isOurs &= !stream.isRelayed();
            }
        } finally {
            if (isOurs) {
                socket.close();
            }
        }
    }

    private static Socket socket(NbdUri uri, Duration patience) throws UnknownHostException {
        String host = uri.host();
        if (host == null) {
            return Socket.connect(Objects.requireNonNull(uri.socket()), patience);
        }
        InetSocketAddress address = new InetSocketAddress(InetAddress.getByName(host), uri.port());
        Socket socket = Socket.connect(address, patience);
        socket.sendAtOnce();
        return socket;
    }

    ClientHandshake.Export export() {
        return export;
    }

    boolean isBroken() {
        return broken;
    }

    /** Bounds how long a call waits for the server to take or send the next bytes. */
    void setPatience(Duration patience) {
        link.socket().setPatience(patience);
    }

    /** Sends a request and its data. */
    void send(Exchange exchange) throws IOException {
        outgoing.set(INT, 0, Magic.REQUEST);
        outgoing.set(SHORT, 4, (short) exchange.flags());
        outgoing.set(SHORT, 6, (short) exchange.command());
        outgoing.set(LONG, 8, exchange.cookie());
        outgoing.set(LONG, 16, exchange.offset());
        outgoing.set(INT, 24, (int) exchange.length());
        write(outgoing);
        if (exchange.command() == Command.WRITE) {
            write(exchange.data());
        }
    }

    private void write(MemorySegment bytes) throws IOException {
        long done = 0;
        while (done < bytes.byteSize()) {
            int answer = link.socket().write(bytes.asSlice(done));
            if (answer < 0) {
                throw new IOException("it cannot be written to: " + Errno.of(answer).text());
            }
            done += answer;
        }
    }

    /**
     * Receives replies until the connection ends.
     *
     * @param waiting finds what a cookie names, null for nothing
     * @param isLate whether a reply has been waited for too long
     */
    void receive(LongFunction<@Nullable Exchange> waiting, BooleanSupplier isLate)
            throws IOException {
        try {
            while (true) {
                awaitReply(isLate);
                int magic = incoming.get(INT, 0);
                if (magic == Magic.SIMPLE_REPLY) {
                    readAll(incoming.asSlice(4, SIMPLE_BYTES - 4));
                    simple(known(waiting, incoming.get(LONG, 8)));
                } else if (magic == Magic.STRUCTURED_REPLY && export.structured()) {
                    readAll(incoming.asSlice(4, STRUCTURED_BYTES - 4));
                    chunk(known(waiting, incoming.get(LONG, 8)));
                } else {
                    throw new IOException("it sends what is no reply");
                }
            }
        } finally {
            broken = true;
        }
    }

    private static Exchange known(LongFunction<@Nullable Exchange> waiting, long cookie)
            throws IOException {
        Exchange exchange = waiting.apply(cookie);
        if (exchange == null) {
            throw new IOException("it replies to a request that was not sent");
        }
        return exchange;
    }

    /** Reads the first four bytes; that none come is a fault where a reply is late alone. */
    private void awaitReply(BooleanSupplier isLate) throws IOException {
        int done = 0;
        while (done < Integer.BYTES) {
            int answer = link.socket().read(incoming.asSlice(done, Integer.BYTES - done));
            if (answer == Errno.EAGAIN.negated()) {
                if (done > 0 || isLate.getAsBoolean()) {
                    throw new SocketTimeoutException("it does not reply");
                }
            } else {
                done += checked(answer);
            }
        }
    }

    private void readAll(MemorySegment bytes) throws IOException {
        long done = 0;
        while (done < bytes.byteSize()) {
            int answer = link.socket().read(bytes.asSlice(done));
            if (answer == Errno.EAGAIN.negated()) {
                throw new SocketTimeoutException("it does not go on with a reply");
            }
            done += checked(answer);
        }
    }

    private static int checked(int answer) throws IOException {
        if (answer == 0) {
            throw new EOFException("it disconnected");
        }
        if (answer < 0) {
            throw new IOException("it cannot be read from: " + Errno.of(answer).text());
        }
        return answer;
    }

    private void simple(Exchange exchange) throws IOException {
        int error = incoming.get(INT, 4);
        if (error != 0) {
            exchange.end(errno(error));
        } else if (exchange.command() == Command.READ) {
            if (export.structured()) {
                throw new IOException("it sends data in a simple reply");
            }
            readAll(exchange.data());
            exchange.end((int) exchange.length());
        } else {
            exchange.end(exchange.whole());
        }
    }

    private void chunk(Exchange exchange) throws IOException {
        boolean isLast = (incoming.get(SHORT, 4) & Chunk.DONE) != 0;
        int type = Short.toUnsignedInt(incoming.get(SHORT, 6));
        long bytes = Integer.toUnsignedLong(incoming.get(INT, 16));
        boolean isRead = exchange.command() == Command.READ;
        if (type == Chunk.NONE) {
            require(isLast && bytes == 0, type);
        } else if (type == Chunk.OFFSET_DATA) {
            require(isRead && bytes > Long.BYTES, type);
            readAll(place(exchange, bytes - Long.BYTES));
        } else if (type == Chunk.OFFSET_HOLE) {
            require(isRead && bytes == Long.BYTES + Integer.BYTES, type);
            readAll(incoming.asSlice(32, Long.BYTES + Integer.BYTES));
            long length = Integer.toUnsignedLong(incoming.get(INT, 40));
            exchange.slice(incoming.get(LONG, 32), length).fill((byte) 0);
        } else if ((type & Chunk.IS_ERROR) != 0) {
            require(bytes >= 6 && bytes <= MOST_ERROR_BYTES, type);
            readAll(incoming.asSlice(32, Integer.BYTES));
            exchange.fail(errno(incoming.get(INT, 32)));
            skip(bytes - Integer.BYTES);
        } else {
            throw new IOException("it sends a chunk of an unknown type, " + type);
        }
        if (isLast) {
            exchange.endOfChunks();
        }
    }

    private MemorySegment place(Exchange exchange, long bytes) throws IOException {
        readAll(incoming.asSlice(32, Long.BYTES));
        return exchange.slice(incoming.get(LONG, 32), bytes);
    }

    private void skip(long bytes) throws IOException {
        for (long left = bytes; left > 0; ) {
            long some = Math.min(left, 16);
            readAll(incoming.asSlice(32, some));
            left -= some;
        }
    }

    private static void require(boolean isFit, int type) throws IOException {
        if (!isFit) {
            throw new IOException("it sends a chunk of type %d that cannot be".formatted(type));
        }
    }

    private static int errno(int error) {
        return KNOWN.contains(Errno.of(-error)) ? -error : Errno.EIO.negated();
    }

    /** Says that nothing more comes, and ends the connection. */
    void disconnect() {
        outgoing.set(INT, 0, Magic.REQUEST);
        outgoing.set(SHORT, 4, (short) 0);
        outgoing.set(SHORT, 6, (short) Command.DISC);
        outgoing.set(LONG, 8, 0);
        outgoing.set(LONG, 16, 0);
        outgoing.set(INT, 24, 0);
        // A server that has gone need not be told.
        int _ = link.socket().write(outgoing);
    }

    /** Wakes whoever waits for the connection. */
    void cut() {
        broken = true;
        link.cut();
    }

    /** Closes it, when nobody uses it any more. */
    @Override
    public void close() {
        link.close();
        arena.close();
    }
}
