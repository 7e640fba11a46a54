package dev.ublk4j.vhostuser;

import dev.ublk4j.handover.MessageStream;
import dev.ublk4j.handover.MessageStream.Outcome;
import dev.ublk4j.linux.EventFd;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.QuietLog;
import dev.ublk4j.linux.UnixSocket;
import java.lang.System.Logger.Level;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * One client's connection, from its first message to its end.
 *
 * <pre>{@code
 * struct VhostUserMsg { u32 request, flags, size; u8 payload[size]; };
 * }</pre>
 *
 * <p>A request that cannot be done is refused where the client asked for an acknowledgement, and
 * else ends the connection. Either is logged, once a minute at most.
 */
final class Session implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(Session.class.getName());

    /** Whoever is dropped may come again at once, and what is refused may be asked for again. */
    private static final QuietLog DROPS = new QuietLog(LOG);

    private static final QuietLog FAILURES = new QuietLog(LOG);
    private static final QuietLog REFUSALS = new QuietLog(LOG);

    private static final int HEADER_BYTES = 12;

    /** More than any message has. */
    static final int MAX_PAYLOAD_BYTES = 4096;

    /** The most descriptors of a message: one for each region of SET_MEM_TABLE. */
    private static final int MAX_DESCRIPTORS = 8;

    private static final int VERSION = 1;
    private static final int VERSION_MASK = 3;
    private static final int REPLY = 1 << 2;
    private static final int NEED_REPLY = 1 << 3;

    private static final Duration FOREVER = Duration.ofSeconds(-1);

    /** How long the rest of a message may take, and room for an answer. */
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private final MessageStream stream;
    private final EventFd wakeup;
    private final AtomicReference<@Nullable String> broken = new AtomicReference<>();
    private final Requests requests;

    /** Keeps a late {@link #stop} from a descriptor that is closed, or is another's by then. */
    private final Object ending = new Object();

    private boolean ended;

    /** Whether anything has come. Of the session's thread. */
    private boolean heard;

    /**
     * Takes a client in.
     *
     * @param socket is closed with the session
     */
    Session(UnixSocket socket, ServedDisk disk, VhostUserOptions options) {
        this.wakeup = EventFd.nonBlocking();
        MessageStream opened = null;
        try {
            opened =
                    new MessageStream(
                            socket,
                            HEADER_BYTES + MAX_PAYLOAD_BYTES,
                            MAX_DESCRIPTORS + 1,
                            wakeup.fd());
            requests = new Requests(disk, options, this::onBroken);
        } catch (Throwable e) {
            if (opened != null) {
                opened.close();
            }
            wakeup.close();
            throw e;
        }
        stream = opened;
    }

    /** On a queue's thread. */
    private void onBroken(String reason) {
        broken.compareAndSet(null, reason);
        stop();
    }

    /** Ends the session soon, unless it has ended; from any thread. */
    void stop() {
        synchronized (ending) {
            if (!ended) {
                wakeup.signal();
            }
        }
    }

    /** Serves the client until it goes, has to go, or the session is stopped. */
    void run() {
        try {
            while (true) {
                Outcome outcome = takeMessage();
                if (outcome != Outcome.DONE) {
                    String reason = broken.get();
                    if (reason != null) {
                        DROPS.log(Level.WARNING, () -> "vhost-user client dropped: " + reason);
                    } else if (outcome == Outcome.LATE) {
                        DROPS.log(
                                Level.WARNING,
                                () ->
                                        "vhost-user client dropped: it has sent nothing or half a message,"
                                                + " or takes no answers");
                    }
                    return;
                }
            }
        } catch (ProtocolException e) {
            DROPS.log(Level.WARNING, () -> "vhost-user client dropped: " + e.getMessage());
        } catch (LinuxException | IllegalStateException e) {
            DROPS.log(Level.WARNING, () -> "vhost-user client dropped: " + e.getMessage());
        } catch (Throwable e) {
            // Whatever it is, it is this client's. The next one is served.
            FAILURES.log(Level.WARNING, () -> "vhost-user client dropped", e);
        }
    }

    private Outcome takeMessage() {
        stream.clear();
        // Whoever says nothing at all keeps others out, and is no client.
        Outcome outcome = stream.awaitInput(heard ? FOREVER : PATIENCE);
        heard = true;
        if (outcome == Outcome.DONE) {
            outcome = stream.readUpTo(HEADER_BYTES, PATIENCE);
        }
        if (outcome != Outcome.DONE) {
            return outcome;
        }
        ByteBuffer in = stream.in();
        int number = in.getInt(0);
        int flags = in.getInt(4);
        int size = in.getInt(8);
        if (size < 0 || size > MAX_PAYLOAD_BYTES || (flags & VERSION_MASK) != VERSION) {
            throw new ProtocolException(
                    "message %d with flags 0x%x and %d bytes".formatted(number, flags, size));
        }
        outcome = stream.readUpTo(HEADER_BYTES + size, PATIENCE);
        if (outcome != Outcome.DONE) {
            return outcome;
        }
        in.flip().position(HEADER_BYTES);
        return answer(number, flags, in);
    }

    private Outcome answer(int number, int flags, ByteBuffer in) {
        ByteBuffer out = stream.out().clear().position(HEADER_BYTES);
        boolean wanted = (flags & NEED_REPLY) != 0;
        boolean before = requests.acknowledges();
        MessageCode code = MessageCode.of(number);
        String name = code == null ? "request " + number : code.toString();
        List<Fd> descriptors = takeDescriptors();
        try {
            if (descriptors.size() > MAX_DESCRIPTORS) {
                throw new ProtocolException("too many descriptors");
            }
            if (code == null) {
                throw new ProtocolException("it is not offered");
            }
            boolean answered = requests.handle(code, in, descriptors, out);
            if (answered) {
                return send(number, out, requests.takePassed());
            }
            // Also of the message by which acknowledgements are agreed on.
            boolean acknowledged = wanted && (before || requests.acknowledges());
            return acknowledged ? send(number, out.putLong(0), null) : Outcome.DONE;
        } catch (ProtocolException | BufferUnderflowException e) {
            String what = e instanceof ProtocolException ? e.getMessage() : "it is too short";
            if (!wanted || !before) {
                throw new ProtocolException("%s: %s".formatted(name, what), e);
            }
            REFUSALS.log(
                    Level.WARNING, () -> "vhost-user client refused: %s: %s".formatted(name, what));
            return send(number, out.position(HEADER_BYTES).putLong(1), null);
        } finally {
            descriptors.forEach(Fd::close);
        }
    }

    private List<Fd> takeDescriptors() {
        List<Fd> descriptors = new ArrayList<>();
        int count = stream.descriptors();
        if (count > MAX_DESCRIPTORS) {
            throw new ProtocolException("a message with too many descriptors");
        }
        for (int i = 0; i < count; i++) {
            descriptors.add(stream.takeDescriptor());
        }
        return descriptors;
    }

    private Outcome send(int number, ByteBuffer out, @Nullable Fd passed) {
        out.putInt(0, number)
                .putInt(4, VERSION | REPLY)
                .putInt(8, out.position() - HEADER_BYTES)
                .flip();
        return passed == null ? stream.write(PATIENCE) : stream.write(PATIENCE, passed);
    }

    /** Stops the client's rings, lets go of its memory and closes the connection. */
    @Override
    public void close() {
        try {
            requests.close();
        } finally {
            try {
                stream.close();
            } finally {
                synchronized (ending) {
                    ended = true;
                    wakeup.close();
                }
            }
        }
    }

    @Override
    public String toString() {
        return "session of " + stream.socket();
    }
}
