package dev.ublk4j.sharing.store;

import dev.ublk4j.handover.MessageStream;
import dev.ublk4j.handover.MessageStream.Outcome;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.Poll;
import dev.ublk4j.linux.call.Syscall;
import dev.ublk4j.linux.internal.QuietLog;
import dev.ublk4j.linux.socket.UnixListener;
import dev.ublk4j.linux.socket.UnixSocket;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/**
 * A process that does nothing but keep descriptors for others of its user, and gives them back. It
 * is a descriptor store for machines without systemd.
 *
 * <p>A connection carries one request: a type, a length and as many bytes of a key, with a
 * descriptor where one is kept. The reply is 0 or a negative errno; that to {@link #LIST} is a
 * length, a key and its descriptor for each, and a length of 0.
 */
public final class Keeper implements AutoCloseable {
    static final int PUT = 1;
    static final int REMOVE = 2;
    static final int LIST = 3;
    static final int END = 4;

    static final int HEADER_BYTES = 8;
    static final int MAX_KEY = 200;

    private static final System.Logger LOG = System.getLogger(Keeper.class.getName());

    /** Who is turned away may try again and again. */
    private final QuietLog noAccess = new QuietLog(LOG);

    private final QuietLog givenUp = new QuietLog(LOG);

    /** How long a client may take. */
    private static final Duration PATIENCE = Duration.ofSeconds(2);

    /** How often it is asked whether anybody needs this still. */
    private static final Duration LOOK_AROUND = Duration.ofSeconds(1);

    private static final int BACKLOG = 16;
    private static final int OWNER_ONLY = 0600;

    private final UnixListener listener;
    private final int user = (int) Syscall.call(Syscall.Call.GETUID, 0, 0, 0);
    private final Map<String, Fd> kept = new LinkedHashMap<>();
    private boolean ended;

    private Keeper(UnixListener listener) {
        this.listener = listener;
    }

    /**
     * Begins to listen; {@link #serve} must follow.
     *
     * @throws LinuxException {@code EADDRINUSE} where a keeper listens already, or a file is there
     *     that is no socket
     */
    public static Keeper open(Path path) {
        return new Keeper(UnixListener.open(path, BACKLOG, OWNER_ONLY));
    }

    /**
     * Keeps descriptors until it is told to end, or is not needed any more.
     *
     * @param needed whether it is; asked every now and then
     */
    public void serve(BooleanSupplier needed) {
        try (Poll poll = new Poll(listener.fd())) {
            while (!ended) {
                turn(poll, needed);
            }
        }
    }

    /** Whatever goes wrong in one, what is kept is worth more. */
    private void turn(Poll poll, BooleanSupplier needed) {
        try {
            if (!needed.getAsBoolean()) {
                ended = true;
            } else if (poll.await(LOOK_AROUND)) {
                UnixSocket client = listener.acceptOrNull();
                if (client != null) {
                    serve(client);
                }
            }
        } catch (Throwable e) {
            givenUp.log(Level.WARNING, () -> "%s: a client is given up: %s".formatted(listener, e));
            LockSupport.parkNanos(LOOK_AROUND.toNanos());
        }
    }

    private void serve(UnixSocket client) {
        try (MessageStream stream = new MessageStream(client)) {
            int uid = client.peer().uid();
            if (uid == user || uid == 0) {
                answer(stream);
            } else {
                noAccess.log(
                        Level.WARNING,
                        () -> "%s: no access for user %d".formatted(listener.path(), uid));
            }
        } catch (LinuxException e) {
            LOG.log(Level.DEBUG, () -> listener.path() + ": a client was dropped", e);
        }
    }

    private void answer(MessageStream stream) {
        if (stream.readUpTo(HEADER_BYTES, PATIENCE) != Outcome.DONE) {
            return;
        }
        int type = stream.in().getInt(0);
        int length = stream.in().getInt(Integer.BYTES);
        if (length < 0
                || length > MAX_KEY
                || stream.readUpTo(HEADER_BYTES + length, PATIENCE) != Outcome.DONE) {
            status(stream, Errno.EINVAL.negated());
            return;
        }
        byte[] key = new byte[length];
        stream.in().get(HEADER_BYTES, key);
        answer(stream, type, new String(key, StandardCharsets.UTF_8));
    }

    private void answer(MessageStream stream, int type, String key) {
        switch (type) {
            case PUT -> {
                boolean one = stream.descriptors() == 1;
                if (one) {
                    replace(key, stream.takeDescriptor());
                }
                status(stream, one ? 0 : Errno.EINVAL.negated());
            }
            case REMOVE -> {
                Fd gone = kept.remove(key);
                if (gone != null) {
                    gone.close();
                }
                status(stream, 0);
            }
            case LIST -> list(stream);
            case END -> {
                ended = true;
                status(stream, 0);
            }
            default -> status(stream, Errno.EOPNOTSUPP.negated());
        }
    }

    private void replace(String key, Fd descriptor) {
        Fd before = kept.put(key, descriptor);
        if (before != null) {
            before.close();
        }
    }

    private void list(MessageStream stream) {
        for (Map.Entry<String, Fd> entry : kept.entrySet()) {
            byte[] key = entry.getKey().getBytes(StandardCharsets.UTF_8);
            stream.out().clear().putInt(key.length).put(key).flip();
            if (stream.write(PATIENCE, entry.getValue()) != Outcome.DONE) {
                return;
            }
        }
        status(stream, 0);
    }

    private static void status(MessageStream stream, int status) {
        ByteBuffer out = stream.out().clear().putInt(status).flip();
        Outcome outcome = stream.write(PATIENCE);
        LOG.log(Level.DEBUG, () -> "answered with %d: %s".formatted(out.getInt(0), outcome));
    }

    /** Lets go of everything. */
    @Override
    public void close() {
        kept.values().forEach(Fd::close);
        kept.clear();
        listener.close();
    }
}
