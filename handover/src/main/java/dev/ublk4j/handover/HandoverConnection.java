package dev.ublk4j.handover;

import dev.ublk4j.handover.MessageStream.Outcome;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.socket.UnixSocket;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * An application's connection to the server of a device.
 *
 * <p>Any thread may call any method; calls take their turns. What is registered here without {@link
 * Exchange#KEEP} is taken back by the server when the connection is closed. After a reply that is
 * late or makes no sense the connection is of no more use and every call throws.
 */
public final class HandoverConnection implements AutoCloseable {
    /**
     * How long a reply may take: a server that takes or gives back memory waits for the device's
     * requests.
     */
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private static final int STATUS_BYTES = Integer.BYTES;

    private final String name;
    private final MessageStream stream;
    private final Duration patience;
    private final int device;
    private int sequence;
    private boolean broken;

    private HandoverConnection(String name, MessageStream stream, Duration patience) {
        this.name = name;
        this.stream = stream;
        this.patience = patience;
        this.device = greet();
    }

    /**
     * Connects to the server of a device.
     *
     * @param device the N of {@code /dev/ublkbN}
     * @throws LinuxException {@code ENOENT} or {@code ECONNREFUSED} when no server of that device
     *     shares memory, {@code EACCES} or {@code EPERM} when this user may not connect
     */
    public static HandoverConnection open(int device) {
        return open(Exchange.socketPath(device), PATIENCE);
    }

    /**
     * Connects to the server that listens at a path; see {@link #open(int)}.
     *
     * @param patience how long a reply may take
     */
    public static HandoverConnection open(Path path, Duration patience) {
        MessageStream stream = new MessageStream(UnixSocket.connect(path, patience));
        try {
            return new HandoverConnection(path.toString(), stream, patience);
        } catch (Throwable e) {
            stream.close();
            throw e;
        }
    }

    private int greet() {
        ByteBuffer out = stream.out().clear();
        new Hello(Exchange.VERSION, 0).put(out);
        out.flip();
        // Who is not let in is told so, whether the hello has reached anybody or not.
        Outcome sent = stream.write(patience);
        Outcome answered = stream.readUpTo(Exchange.HELLO_BYTES, patience);
        ByteBuffer in = stream.in().flip();
        if (answered == Outcome.ENDED && in.remaining() == STATUS_BYTES) {
            throw refusedEntry(in.getInt());
        }
        require("hello", sent);
        require("hello", answered);
        Hello hello = Hello.getOrNull(in);
        if (hello == null || hello.version() != Exchange.VERSION) {
            throw HandoverException.malformed("hello");
        }
        return hello.device();
    }

    private HandoverException refusedEntry(int status) {
        String text =
                status == -1 ? "it may only know the simple exchange" : "it refuses this user";
        return new HandoverException("hello", name, Math.min(status, -1), text);
    }

    /** {@return the device's number, as its server says} */
    public int device() {
        return device;
    }

    /**
     * Shares memory with the device, all of a file, until it is {@linkplain #unregister taken back}
     * or the connection is closed.
     *
     * @param memory a memfd that can be sealed or is sealed against shrinking; stays the caller's
     * @param readOnly whether only writes to the device are to use it
     * @param label for people, and for {@link #claim}
     * @throws HandoverException when the server refuses
     */
    public Registered register(Fd memory, boolean readOnly, String label) {
        int flags = readOnly ? Exchange.READ_ONLY : 0;
        return register(memory, new Request.Register(0, 0, flags, label));
    }

    /**
     * Shares memory with the device.
     *
     * @param memory stays the caller's
     * @throws HandoverException when the server refuses
     */
    public Registered register(Fd memory, Request.Register request) {
        return call(request, Registered::get, memory);
    }

    /**
     * Takes a buffer back; no request uses it when this has returned.
     *
     * @param index the driver's
     * @throws HandoverException {@code ENOENT} when there is no such buffer, {@code EPERM} when it
     *     is another's
     */
    public void unregister(int index) {
        call(new Request.Unregister(index), in -> index);
    }

    /** {@return the buffers that are shared with the device, as far as this user may see them} */
    public List<BufferEntry> list() {
        List<BufferEntry> entries = new ArrayList<>();
        int next = 0;
        do {
            next = call(new Request.ListBuffers(next), in -> readEntries(in, entries));
        } while (next != Exchange.NO_INDEX);
        return entries;
    }

    private static int readEntries(ByteBuffer in, List<BufferEntry> entries) {
        int next = in.getInt();
        int count = in.getInt();
        if (next != Exchange.NO_INDEX && count == 0) {
            throw HandoverException.malformed("list without an end");
        }
        for (int i = 0; i < count; i++) {
            entries.add(BufferEntry.get(in));
        }
        return next;
    }

    /** {@return what the device has done, by the names of its counters} */
    public Map<String, Long> stat() {
        return call(
                new Request.Stat(),
                in -> {
                    Map<String, Long> counters = new LinkedHashMap<>();
                    int count = in.getInt();
                    in.getInt();
                    for (int i = 0; i < count; i++) {
                        long value = in.getLong();
                        in.getInt();
                        counters.put(Texts.getName(in), value);
                        Texts.skipToAligned(in);
                    }
                    return counters;
                });
    }

    /**
     * Makes a buffer that belongs to the device this connection's.
     *
     * @param memory the same file as was registered; stays the caller's
     * @param index the driver's, {@link Exchange#NO_INDEX} to go by the label
     * @param label as it was registered; counts only without an index
     * @throws HandoverException {@code ENOENT} when there is no such buffer, {@code ESTALE} when it
     *     is other memory, {@code EBUSY} when it is another connection's
     */
    public Registered claim(Fd memory, int index, String label) {
        return call(new Request.Claim(index, label), Registered::get, memory);
    }

    private synchronized <T> T call(
            Request request, Function<ByteBuffer, T> content, Fd... descriptor) {
        if (broken) {
            throw new HandoverException(
                    request.toString(), name, Errno.ENOTCONN.negated(), "the connection is broken");
        }
        broken = true;
        sequence++;
        String call = request.getClass().getSimpleName();
        Frame.put(stream.out(), request.type(), sequence, 0, request::put);
        require(call, stream.write(patience, descriptor));
        Frame answer = readAnswer(call);
        if (answer.type() != request.type() || answer.sequence() != sequence) {
            throw HandoverException.malformed("reply to " + call);
        }
        ByteBuffer in = stream.in();
        try {
            if (answer.status() < 0) {
                broken = false;
                throw new HandoverException(call, name, answer.status(), Texts.getRest(in));
            }
            T result = content.apply(in);
            broken = false;
            return result;
        } catch (BufferUnderflowException e) {
            throw HandoverException.malformed("reply to " + call + ", too short");
        }
    }

    private Frame readAnswer(String call) {
        stream.clear();
        require(call, stream.readUpTo(Exchange.HEADER_BYTES, patience));
        Frame frame = Frame.get(stream.in().flip());
        stream.in().clear().position(Exchange.HEADER_BYTES);
        require(call, stream.readUpTo(frame.length(), patience));
        stream.in().flip().position(Exchange.HEADER_BYTES);
        return frame;
    }

    private void require(String call, Outcome outcome) {
        switch (outcome) {
            case DONE -> {}
            case LATE ->
                    throw new HandoverException(
                            call, name, Errno.ETIMEDOUT.negated(), "no reply from the server");
            case ENDED, STOPPED ->
                    throw new HandoverException(
                            call, name, Errno.ECONNRESET.negated(), "the server has disconnected");
        }
    }

    /**
     * {@return whether the connection is of use: neither end has closed it, and none has failed}
     */
    public synchronized boolean isOpen() {
        return !broken && stream.awaitEnd(Duration.ZERO) == Outcome.LATE;
    }

    /** Closes the connection; the server takes its buffers back. A second call does nothing. */
    @Override
    public synchronized void close() {
        broken = true;
        stream.close();
    }

    @Override
    public String toString() {
        return "connection to " + name;
    }
}
