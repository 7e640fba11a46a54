package dev.ublk4j.sharing.store;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.Poll;
import dev.ublk4j.linux.socket.UnixSocket;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The descriptor store of systemd: {@code sd_notify(3)} with {@code FDSTORE=1}, {@code
 * sd_listen_fds(3)}. A service has one if its unit sets {@code FileDescriptorStoreMax=}.
 */
public final class SystemdStore implements DescriptorStore {
    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private static final int FIRST_DESCRIPTOR = 3;

    private final String socket;
    private final Map<String, String> environment;
    private final long pid;
    private final String prefix;

    private SystemdStore(String socket, Map<String, String> environment, long pid, String prefix) {
        this.socket = socket;
        this.environment = environment;
        this.pid = pid;
        this.prefix = prefix;
    }

    /** {@return whether this process is a service with a store} */
    public static boolean isThere(Map<String, String> environment) {
        String most = environment.getOrDefault("FDSTORE", "");
        return environment.containsKey("NOTIFY_SOCKET")
                && most.matches("[0-9]{1,9}")
                && Integer.parseInt(most) > 0;
    }

    /**
     * Uses the store of the service that this process is.
     *
     * @param environment says where the store is, and what has come from it
     * @param pid this process
     * @param device whose descriptors are of interest; others in the store are left alone
     */
    public static SystemdStore of(Map<String, String> environment, long pid, int device) {
        String socket = environment.get("NOTIFY_SOCKET");
        if (socket == null) {
            throw new LinuxException("sd_notify", "NOTIFY_SOCKET", Errno.ENOENT.negated());
        }
        return new SystemdStore(socket, environment, pid, "ublk" + device + "-");
    }

    @Override
    public void put(String key, Fd descriptor) {
        send("FDSTORE=1\nFDPOLL=0\nFDNAME=" + key, descriptor);
        barrier();
    }

    @Override
    public void remove(String key) {
        send("FDSTOREREMOVE=1\nFDNAME=" + key);
    }

    private void send(String message, Fd... descriptor) {
        try (UnixSocket notify = UnixSocket.notifier(socket);
                Arena arena = Arena.ofConfined()) {
            MemorySegment bytes =
                    arena.allocateFrom(message, StandardCharsets.UTF_8).asSlice(0, bytes(message));
            LinuxException.check("sd_notify", socket, notify.send(bytes, descriptor));
        }
    }

    private static long bytes(String message) {
        return message.getBytes(StandardCharsets.UTF_8).length;
    }

    /** Waits until systemd has taken in what was sent: it closes the descriptor that comes last. */
    private void barrier() {
        List<UnixSocket> pair = UnixSocket.pair();
        try (UnixSocket mine = pair.getFirst()) {
            try (UnixSocket theirs = pair.getLast()) {
                send("BARRIER=1", theirs.fd());
            }
            try (Poll poll = new Poll(mine.fd())) {
                if (!poll.await(PATIENCE)) {
                    throw new LinuxException("sd_notify", socket, Errno.ETIMEDOUT.negated());
                }
            }
        }
    }

    @Override
    public Map<String, Fd> take() {
        Map<String, Fd> taken = new LinkedHashMap<>();
        if (!Long.toString(pid).equals(environment.get("LISTEN_PID"))) {
            return taken;
        }
        int count = Integer.parseInt(environment.getOrDefault("LISTEN_FDS", "0"));
        String[] names = environment.getOrDefault("LISTEN_FDNAMES", "").split(":", -1);
        for (int i = 0; i < count && i < names.length; i++) {
            if (names[i].startsWith(prefix)) {
                taken.put(names[i], Fd.own(FIRST_DESCRIPTOR + i, names[i]));
            }
        }
        return taken;
    }

    /** Does nothing: what is removed one by one is removed. */
    @Override
    public void close() {}
}
