package dev.ublk4j.sharing.store;

import dev.ublk4j.handover.MessageStream;
import dev.ublk4j.handover.MessageStream.Outcome;
import dev.ublk4j.linux.Deadline;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.socket.UnixSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;

/** Descriptors that a {@link Keeper} keeps. */
public final class KeeperStore implements DescriptorStore {
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    /** How long a keeper may take to start. */
    private static final Duration START_PATIENCE = Duration.ofSeconds(30);

    private static final long PAUSE_NANOS = 20_000_000;

    private final Path path;

    /**
     * Uses a keeper.
     *
     * @param path its socket, which may take a while to appear
     */
    public KeeperStore(Path path) {
        this.path = path;
    }

    /** {@return whether a keeper replies} */
    public static boolean answers(Path path) {
        try {
            UnixSocket.connect(path, PATIENCE).close();
            return true;
        } catch (LinuxException e) {
            return false;
        }
    }

    @Override
    public void put(String key, Fd descriptor) {
        try (MessageStream stream = ask(Keeper.PUT, key, descriptor)) {
            check(readInt(stream));
        }
    }

    @Override
    public void remove(String key) {
        try (MessageStream stream = ask(Keeper.REMOVE, key)) {
            check(readInt(stream));
        }
    }

    @Override
    public Map<String, Fd> take() {
        Map<String, Fd> taken = new LinkedHashMap<>();
        try (MessageStream stream = ask(Keeper.LIST, "")) {
            for (int length = readInt(stream); length != 0; length = readInt(stream)) {
                check(Math.min(length, 0));
                if (length > Keeper.MAX_KEY || stream.descriptors() != 1) {
                    throw failed(Errno.EPROTO);
                }
                int end = Integer.BYTES + length;
                await(stream.readUpTo(end, PATIENCE));
                byte[] key = new byte[length];
                stream.in().get(Integer.BYTES, key);
                taken.put(new String(key, StandardCharsets.UTF_8), stream.takeDescriptor());
            }
            return taken;
        } catch (Throwable e) {
            taken.values().forEach(Fd::close);
            throw e;
        }
    }

    @Override
    public void close() {
        try (MessageStream stream = ask(Keeper.END, "")) {
            check(readInt(stream));
        }
    }

    private MessageStream ask(int type, String key, Fd... descriptor) {
        MessageStream stream = new MessageStream(connect());
        try {
            byte[] bytes = key.getBytes(StandardCharsets.UTF_8);
            stream.out().clear().putInt(type).putInt(bytes.length).put(bytes).flip();
            await(stream.write(PATIENCE, descriptor));
            return stream;
        } catch (Throwable e) {
            stream.close();
            throw e;
        }
    }

    private UnixSocket connect() {
        Deadline deadline = Deadline.in(START_PATIENCE);
        while (true) {
            try {
                return UnixSocket.connect(path, PATIENCE);
            } catch (LinuxException e) {
                boolean early = e.errno() == Errno.ENOENT || e.errno() == Errno.ECONNREFUSED;
                if (!early || deadline.isOver()) {
                    throw e;
                }
            }
            LockSupport.parkNanos(PAUSE_NANOS);
        }
    }

    private int readInt(MessageStream stream) {
        stream.clear();
        await(stream.readUpTo(Integer.BYTES, PATIENCE));
        return stream.in().getInt(0);
    }

    private void await(Outcome outcome) {
        if (outcome != Outcome.DONE) {
            throw failed(outcome == Outcome.LATE ? Errno.ETIMEDOUT : Errno.EPIPE);
        }
    }

    private void check(int status) {
        if (status < 0) {
            throw failed(Errno.of(status));
        }
    }

    private LinuxException failed(Errno errno) {
        return new LinuxException("descriptor store", path.toString(), errno.negated());
    }
}
