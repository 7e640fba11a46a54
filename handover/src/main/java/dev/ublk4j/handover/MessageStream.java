package dev.ublk4j.handover;

import dev.ublk4j.linux.Deadline;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.Poll;
import dev.ublk4j.linux.socket.UnixSocket;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * A connection as a stream of bytes and descriptors, with a bound on every wait.
 *
 * <p>One thread at a time. Reads go no further than they are asked to, so that a descriptor that
 * comes with a message is never taken for one of the message before.
 */
public final class MessageStream implements AutoCloseable {
    /** More than any message may have, so that too many are seen to be. */
    private static final int MAX_DESCRIPTORS = 4;

    private static final int SOCKET = 0;
    private static final int STOP = 1;

    private final UnixSocket socket;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment inBytes;
    private final MemorySegment outBytes;
    private final ByteBuffer in;
    private final ByteBuffer out;
    private final int mostDescriptors;
    private final List<Fd> descriptors = new ArrayList<>();
    private final int watched;
    private final Poll poll;
    private boolean truncated;

    /** How a wait has ended. */
    public enum Outcome {
        /** What was asked for has been done. */
        DONE,
        /** The other end has closed the connection. */
        ENDED,
        /** The time was over. */
        LATE,
        /** The stream was told to stop. */
        STOPPED
    }

    /**
     * Takes over a connection.
     *
     * @param socket is closed with the stream
     * @param stop ends every wait when it can be read; stays the caller's
     */
    public MessageStream(UnixSocket socket, Fd... stop) {
        this(socket, Exchange.MAX_MESSAGE_BYTES, MAX_DESCRIPTORS, stop);
    }

    /**
     * Takes over a connection; see {@link #MessageStream(UnixSocket, Fd...)}.
     *
     * @param mostBytes how much is read between two calls of {@link #clear}, and written at a time
     * @param mostDescriptors how many are taken in one read; one more than any message may have, so
     *     that too many are seen to be
     */
    public MessageStream(UnixSocket socket, int mostBytes, int mostDescriptors, Fd... stop) {
        assert stop.length <= 1;
        this.inBytes = arena.allocate(mostBytes, Long.BYTES);
        this.outBytes = arena.allocate(mostBytes, Long.BYTES);
        this.in = inBytes.asByteBuffer().order(ByteOrder.nativeOrder());
        this.out = outBytes.asByteBuffer().order(ByteOrder.nativeOrder());
        this.mostDescriptors = mostDescriptors;
        this.socket = socket;
        this.watched = 1 + stop.length;
        Fd[] both = new Fd[watched];
        both[SOCKET] = socket.fd();
        System.arraycopy(stop, 0, both, STOP, stop.length);
        this.poll = new Poll(both);
    }

    /** {@return the connection} */
    public UnixSocket socket() {
        return socket;
    }

    /** {@return what has been read since {@link #clear}; its position is the end of it} */
    public ByteBuffer in() {
        return in;
    }

    /** {@return where to put what is to be written} */
    public ByteBuffer out() {
        return out;
    }

    /** Forgets what has been read, and closes what came with it and was not taken. */
    public void clear() {
        in.clear();
        truncated = false;
        descriptors.forEach(Fd::close);
        descriptors.clear();
    }

    /** {@return how many descriptors came since {@link #clear}, of which too many count as one} */
    public int descriptors() {
        return descriptors.size() + (truncated ? 1 : 0);
    }

    /** {@return the first descriptor that came; the caller must close it} */
    public Fd takeDescriptor() {
        return descriptors.removeFirst();
    }

    /**
     * Reads until there are some bytes more than there were.
     *
     * @param most how many at most
     */
    public Outcome readSome(int most, Duration time) {
        return transfer(
                time,
                Poll.POLLIN,
                () -> {
                    UnixSocket.Received received =
                            socket.receive(inBytes.asSlice(in.position(), most), mostDescriptors);
                    descriptors.addAll(received.descriptors());
                    truncated |= received.truncated();
                    if (received.answer() > 0) {
                        in.position(in.position() + (int) received.answer());
                    }
                    return received.answer();
                });
    }

    /** Reads until there are as many bytes since {@link #clear} as are asked for. */
    public Outcome readUpTo(int bytes, Duration time) {
        Deadline deadline = Deadline.in(time);
        while (in.position() < bytes) {
            Outcome outcome = readSome(bytes - in.position(), deadline.left());
            if (outcome != Outcome.DONE) {
                return outcome;
            }
        }
        return Outcome.DONE;
    }

    /**
     * Waits until there is something to read, or the end.
     *
     * @param time negative for ever
     */
    public Outcome awaitInput(Duration time) {
        return await(time, Poll.POLLIN);
    }

    /** Waits until the other end has closed the connection, whatever it sends until then. */
    public Outcome awaitEnd(Duration time) {
        Outcome outcome = await(time, 0);
        return outcome == Outcome.DONE ? Outcome.ENDED : outcome;
    }

    /**
     * Writes what is between position and limit of {@link #out}.
     *
     * @param passed goes with the first byte
     */
    public Outcome write(Duration time, Fd... passed) {
        Deadline deadline = Deadline.in(time);
        Fd[] with = passed;
        while (out.hasRemaining()) {
            Fd[] now = with;
            Outcome outcome =
                    transfer(
                            deadline.left(),
                            Poll.POLLOUT,
                            () -> {
                                long sent =
                                        socket.send(
                                                outBytes.asSlice(out.position(), out.remaining()),
                                                now);
                                if (sent > 0) {
                                    out.position(out.position() + (int) sent);
                                }
                                return sent;
                            });
            if (outcome != Outcome.DONE) {
                return outcome;
            }
            with = new Fd[0];
        }
        return Outcome.DONE;
    }

    /** Returns a number of bytes, 0 for the end or a negative errno. */
    private interface Step {
        long take();
    }

    private Outcome transfer(Duration time, int events, Step step) {
        Deadline deadline = Deadline.in(time);
        while (true) {
            Outcome outcome = await(deadline.left(), events);
            if (outcome != Outcome.DONE) {
                return outcome;
            }
            long answer = step.take();
            if (answer > 0) {
                return Outcome.DONE;
            }
            switch (Errno.of((int) answer)) {
                case EPIPE, ECONNRESET -> {
                    return Outcome.ENDED;
                }
                case EAGAIN -> {}
                default -> {
                    LinuxException.check("transfer", socket.toString(), answer);
                    return Outcome.ENDED;
                }
            }
        }
    }

    private Outcome await(Duration time, int events) {
        poll.watch(SOCKET, events);
        if (!poll.await(time)) {
            return Outcome.LATE;
        }
        // Whoever goes on sending must not keep the stream from stopping.
        boolean stop = watched > STOP && poll.seen(STOP) != 0;
        return stop ? Outcome.STOPPED : Outcome.DONE;
    }

    /** Closes the connection, and what came with it and was not taken. */
    @Override
    public void close() {
        if (arena.scope().isAlive()) {
            clear();
            poll.close();
            socket.close();
            arena.close();
        }
    }
}
