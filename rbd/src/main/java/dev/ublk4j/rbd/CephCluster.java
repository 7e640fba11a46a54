package dev.ublk4j.rbd;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.nio.charset.StandardCharsets.UTF_8;

import dev.ublk4j.linux.Errno;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A connection to a cluster. Every method but {@link #close} may take for ever. */
final class CephCluster implements AutoCloseable {
    private static final int LONGEST_VALUE = 4096;

    private final long cluster;
    private final RbdOptions options;

    private CephCluster(long cluster, RbdOptions options) {
        this.cluster = cluster;
        this.options = options;
    }

    /**
     * Reads the configuration, and does not connect yet.
     *
     * @throws CephException when it cannot be read
     */
    static CephCluster configured(RbdOptions options) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment handle = arena.allocate(JAVA_LONG);
            long answer =
                    Librados.CREATE.call(
                            handle.address(),
                            text(arena, "ceph"),
                            text(arena, "client." + options.user()),
                            0);
            if (answer < 0) {
                throw CephException.of("rados_create2", "a client of Ceph", answer);
            }
            CephCluster made = new CephCluster(handle.get(JAVA_LONG, 0), options);
            try {
                made.configure(arena);
                return made;
            } catch (Throwable e) {
                made.close();
                throw e;
            }
        }
    }

    private void configure(Arena arena) {
        Path file = options.configuration();
        // Ceph says that a file is not there in the words for any object, and of a folder as well.
        if (file != null && (Files.isDirectory(file) || !Files.isReadable(file))) {
            throw new CephException(
                    "rados_conf_read_file",
                    file.toString(),
                    Errno.ENOENT.negated(),
                    "Ceph's configuration %s %s"
                            .formatted(
                                    file,
                                    Files.isDirectory(file) ? "is a folder" : "cannot be read"));
        }
        long path = file == null ? 0 : text(arena, file.toString());
        long answer = Librados.CONF_READ_FILE.call(cluster, path);
        if (answer < 0) {
            throw new CephException(
                    "rados_conf_read_file",
                    file == null ? "ceph.conf" : file.toString(),
                    (int) answer,
                    file == null
                            ? "there is no configuration of Ceph in /etc/ceph/ceph.conf; --conf names another"
                            : "%s is no configuration of Ceph: %s"
                                    .formatted(file, CephException.text(answer)));
        }
        long _ = Librados.CONF_PARSE_ENV.call(cluster, 0);
        set(arena, "client_mount_timeout", Long.toString(seconds()));
        set(arena, "rados_mon_op_timeout", Long.toString(seconds()));
        // librbd's cache completes writes that no OSD has yet. A server that is killed would take
        // them with it, and the next one would complete the flush that comes for them.
        set(arena, "rbd_cache", "false");
        // With too many operations under way librbd's own threads wait, and never that of a queue.
        set(arena, "rbd_non_blocking_aio", "true");
        // What the library has to say goes to its log file: errors come back as such.
        set(arena, "log_to_stderr", "false");
        set(arena, "err_to_stderr", "false");
    }

    private void set(Arena arena, String option, String value) {
        long answer = Librados.CONF_SET.call(cluster, text(arena, option), text(arena, value));
        if (answer < 0) {
            throw CephException.of("rados_conf_set", "Ceph's option " + option, answer);
        }
    }

    private long seconds() {
        return Math.max(1, options.patience().toSeconds());
    }

    /** {@return the addresses of the monitors, as the configuration has them} */
    private String monitors() {
        String hosts = configured("mon_host");
        return hosts.isEmpty() ? "no address is configured" : hosts;
    }

    /** {@return the value of an option, empty where it has none} */
    private String configured(String option) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment value = arena.allocate(LONGEST_VALUE);
            long answer =
                    Librados.CONF_GET.call(
                            cluster, text(arena, option), value.address(), LONGEST_VALUE);
            return answer < 0 ? "" : value.getString(0);
        }
    }

    /**
     * Connects; closed where it fails.
     *
     * @throws CephException when the cluster does not let the user in, or does not answer
     */
    CephCluster connect() {
        try {
            connectOrThrow();
            return this;
        } catch (Throwable e) {
            close();
            throw e;
        }
    }

    private void connectOrThrow() {
        long answer = Librados.CONNECT.call(cluster);
        if (answer >= 0) {
            return;
        }
        String user = "client." + options.user();
        Errno errno = Errno.of((int) answer);
        String message =
                switch (errno) {
                    case ETIMEDOUT -> unreachable();
                    case EPERM, EACCES ->
                            "the cluster does not let %s in: %s; is the user there, and its key the right one? The monitors: %s"
                                    .formatted(user, CephException.text(answer), monitors());
                    case ENOENT ->
                            configured("mon_host").isEmpty()
                                    ? "the configuration names no monitor (mon host): "
                                            + CephException.text(answer)
                                    : "no key of %s is found in the keyrings of the configuration (%s), or no monitor's name: %s"
                                            .formatted(
                                                    user,
                                                    configured("keyring"),
                                                    CephException.text(answer));
                    // Nobody has been asked yet.
                    case EISDIR, EIO ->
                            "the key of %s cannot be read from %s: %s"
                                    .formatted(
                                            user,
                                            configured("keyring"),
                                            CephException.text(answer));
                    default ->
                            "cannot connect as %s to the monitors %s: %s"
                                    .formatted(user, monitors(), CephException.text(answer));
                };
        throw new CephException("rados_connect", user, (int) answer, message);
    }

    /** {@return what there is to say where it does not answer} */
    String unreachable() {
        return "the cluster does not answer within %d s; its monitors: %s"
                .formatted(options.patience().toSeconds(), monitors());
    }

    /**
     * {@return where the images of a pool are}
     *
     * @throws CephException when there is no such pool
     */
    long openPool(RbdImageName name) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment handle = arena.allocate(JAVA_LONG);
            long answer =
                    Librados.IOCTX_CREATE.call(cluster, text(arena, name.pool()), handle.address());
            if (answer == Errno.ENOENT.negated()) {
                throw new CephException(
                        "rados_ioctx_create",
                        name.pool(),
                        (int) answer,
                        "there is no pool %s; there are: %s"
                                .formatted(name.pool(), String.join(", ", pools())));
            }
            if (answer < 0) {
                throw CephException.of("rados_ioctx_create", "pool " + name.pool(), answer);
            }
            long pool = handle.get(JAVA_LONG, 0);
            if (!name.namespace().isEmpty()) {
                long _ = Librados.IOCTX_SET_NAMESPACE.call(pool, text(arena, name.namespace()));
            }
            return pool;
        }
    }

    private List<String> pools() {
        int room = 64 << 10;
        List<String> pools = new ArrayList<>();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment names = arena.allocate(room);
            long needed = Librados.POOL_LIST.call(cluster, names.address(), room);
            for (long at = 0; at < Math.min(needed, room) - 1; ) {
                String name = names.getString(at);
                if (name.isEmpty()) {
                    break;
                }
                pools.add(name);
                at += names.asSlice(at).getString(0).getBytes(UTF_8).length + 1L;
            }
        }
        return pools.isEmpty() ? List.of("none") : pools;
    }

    /** {@return the address of a text that lives as long as an arena} */
    static long text(Arena arena, String text) {
        return arena.allocateFrom(text).address();
    }

    /** Disconnects. No image is open any more. */
    @Override
    public void close() {
        long _ = Librados.SHUTDOWN.call(cluster);
    }
}
