package dev.ublk4j.sharing;

import dev.ublk4j.handover.MessageStream;
import dev.ublk4j.handover.Request;
import dev.ublk4j.linux.Deadline;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.EventFd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.Peer;
import dev.ublk4j.linux.call.Syscall;
import dev.ublk4j.linux.internal.QuietLog;
import dev.ublk4j.linux.socket.AcceptLoop;
import dev.ublk4j.linux.socket.UnixListener;
import dev.ublk4j.linux.socket.UnixSocket;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceCounters;
import dev.ublk4j.sharedmemory.SharedMemory;
import dev.ublk4j.sharing.adopt.AdoptionReport;
import dev.ublk4j.sharing.adopt.AdoptionState;
import dev.ublk4j.sharing.adopt.Choice;
import dev.ublk4j.sharing.store.BufferStore;
import dev.ublk4j.sharing.store.Estate;
import java.io.UncheckedIOException;
import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Takes memory from applications and shares it with a device, until it is closed.
 *
 * <p>Close it before the device, or {@linkplain #stop stop} it first, close the device and close it
 * then, which takes no buffer back one by one. Any thread may call any method, except the threads
 * of the device's queues.
 */
public final class SharingServer implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(SharingServer.class.getName());

    /** How long connections may take to end; a registration under way waits for requests. */
    private static final Duration STOP_PATIENCE = Duration.ofSeconds(5);

    /** Who is turned away may try again and again. */
    private final QuietLog noAccess = new QuietLog(LOG);

    private final QuietLog tooMany = new QuietLog(LOG);

    private final Device device;
    private final SharingOptions options;
    private final Access access;
    private final Quota quota;
    private final BufferStore store;
    private final Registry registry;
    private final Adopter adopter;
    private final UnixListener listener;
    private final EventFd stop;
    private final Set<Thread> connections = ConcurrentHashMap.newKeySet();
    private final Thread acceptor;
    private final AtomicBoolean stopped = new AtomicBoolean();
    private final CountDownLatch stopping = new CountDownLatch(1);
    private final AtomicBoolean closed = new AtomicBoolean();

    private SharingServer(Device device, SharingOptions options, BufferStore store) {
        this.store = store;
        this.device = device;
        this.options = options;
        this.access = new Access(device.info().ownerUid(), options.users());
        this.quota = new Quota(options.limits());
        this.registry = new Registry(device, quota, store);
        this.adopter = new Adopter(device, registry, options.adoption());
        this.stop = EventFd.nonBlocking();
        try {
            this.listener = SocketFile.open(options.folder(), device.id(), access);
        } catch (Throwable e) {
            stop.close();
            boolean _ = adopter.stop(Deadline.never());
            throw e;
        }
        this.acceptor =
                Thread.ofPlatform()
                        .daemon()
                        .name("ublk%d-sharing".formatted(device.id()))
                        .unstarted(new AcceptLoop<>(listener, stop.fd(), this::admit));
    }

    /**
     * Begins to listen.
     *
     * @param device was started with {@link dev.ublk4j.uapi.Feature#SHMEM_ZC}; stays the caller's
     * @throws LinuxException {@code EADDRINUSE} when something else is where the socket is to be
     * @throws UncheckedIOException when the socket or its folder cannot be made
     */
    public static SharingServer start(Device device, SharingOptions options) {
        return start(device, options, BufferStore.none());
    }

    /**
     * Begins to listen, for a device that outlives this process; see {@link #start(Device,
     * SharingOptions)}.
     *
     * @param store notes what is shared, for the next server; empty
     */
    public static SharingServer start(Device device, SharingOptions options, BufferStore store) {
        SharingServer server = new SharingServer(device, options, store);
        server.listen();
        return server;
    }

    /**
     * Begins to listen, for a device that has been recovered with what a former server left; see
     * {@link #start(Device, SharingOptions)}.
     *
     * @param store where that was noted; what is shared from now on is noted there, too
     * @param estate with whose inheritance the device was recovered; its memory is this server's
     * @param grace how long a client may take to come back and claim what its connection had
     */
    public static SharingServer resume(
            Device device,
            SharingOptions options,
            BufferStore store,
            Estate estate,
            Duration grace) {
        SharingServer server = new SharingServer(device, options, store);
        estate.settle();
        estate.heirlooms().forEach(server.registry::inherit);
        server.listen();
        Thread.ofVirtual()
                .name("ublk%d-grace".formatted(device.id()))
                .start(() -> server.expireAfter(grace));
        return server;
    }

    private void listen() {
        try {
            acceptor.start();
        } catch (Throwable e) {
            // There may be as many threads as there can be.
            listener.close();
            stop.close();
            boolean _ = adopter.stop(Deadline.never());
            throw e;
        }
        adopter.start();
        LOG.log(Level.DEBUG, () -> device + " accepts shared memory at " + path());
    }

    private void expireAfter(Duration grace) {
        try {
            if (!stopping.await(grace.toNanos(), TimeUnit.NANOSECONDS)) {
                registry.expire();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** {@return where applications connect} */
    public Path path() {
        return listener.path();
    }

    /**
     * Shares a file that the operator vouches for, as a rule of hugetlbfs or tmpfs, until this is
     * closed or somebody removes it.
     *
     * <p>Such a file cannot be sealed. Whoever can write to it can make it smaller, and with it
     * break the server.
     *
     * @param readOnly whether only writes to the device are to use it
     * @return the driver's index
     * @throws LinuxException when it is no such file, or the driver refuses
     */
    public int shareFile(Path path, boolean readOnly) {
        SharedMemory memory = SharedMemory.open(path, !readOnly);
        Request.Register request = Request.Register.ofFile(path, readOnly);
        int uid = (int) Syscall.call(Syscall.Call.GETUID, 0, 0, 0);
        int gid = (int) Syscall.call(Syscall.Call.GETGID, 0, 0, 0);
        Peer operator = new Peer(0, uid, gid);
        return registry.register(memory, request, absolute(path), operator, null).index();
    }

    /** {@return whether a file is shared already} */
    public boolean hasFile(Path path) {
        return registry.has(absolute(path));
    }

    private static Path absolute(Path path) {
        return path.toAbsolutePath().normalize();
    }

    /**
     * Shares memory of a process that does not know of it, and takes it back when no process has it
     * any more: the process has ended or unmapped it, and so have those that it has forked.
     *
     * <p>Only memory that is mapped shared can be. Whether this process may have it is decided by
     * the kernel, as for {@code ptrace(2)}.
     *
     * @param pid the process, as this process sees it
     * @param choice which of its mappings
     * @return what was found and done; a mapping that the device or a limit refused is among the
     *     complaints
     * @throws LinuxException {@code ESRCH} when there is no such process, {@code EACCES} when the
     *     kernel does not let this process look at it, {@code EINVAL} when it is this process
     */
    public AdoptionReport adopt(int pid, Choice choice) {
        return adopter.adopt(pid, choice);
    }

    /**
     * {@return what {@link #adopt} would do}
     *
     * @throws LinuxException as there
     */
    public AdoptionReport examine(int pid, Choice choice) {
        return adopter.examine(pid, choice);
    }

    /** {@return what is adopted now, what has come of it, and what would help} */
    public AdoptionState adoptions() {
        return adopter.state();
    }

    /** {@return what the device and this have done, by name} */
    public Map<String, Long> counters() {
        DeviceCounters counted = device.counters();
        Map<String, Long> counters = new LinkedHashMap<>();
        counters.put("shared_requests", counted.sharedRequests());
        counters.put("shared_bytes", counted.sharedBytes());
        counters.put("copied_requests", counted.copiedRequests());
        counters.put("copied_bytes", counted.copiedBytes());
        counters.put("buffers", (long) registry.size());
        counters.put("buffer_bytes", quota.bytes());
        counters.put("connections", (long) quota.connections());
        return counters;
    }

    private void admit(UnixSocket socket) {
        Peer peer = socket.peer();
        if (!access.admits(peer)) {
            noAccess.log(Level.WARNING, () -> "%s: no access for %s".formatted(path(), peer));
            turnAway(socket, Errno.EACCES);
        } else if (!quota.tryEnter(peer.pid(), access.administers(peer))) {
            tooMany.log(
                    Level.WARNING, () -> "%s: too many connections, %s".formatted(path(), peer));
            turnAway(socket, Errno.EUSERS);
        } else {
            try {
                serve(socket, peer);
            } catch (Throwable e) {
                // For example, there are no more threads.
                quota.leave(peer.pid());
                throw e;
            }
        }
    }

    private static void turnAway(UnixSocket socket, Errno why) {
        try (socket;
                Arena arena = Arena.ofConfined()) {
            MemorySegment status = arena.allocateFrom(ValueLayout.JAVA_INT, why.negated());
            // A new connection has room for this, unless it has been closed already.
            long sent = socket.send(status);
            assert sent == status.byteSize() || sent < 0 : sent;
        }
    }

    private void serve(UnixSocket socket, Peer peer) {
        MessageStream stream = new MessageStream(socket, stop.fd());
        ClientConnection connection =
                new ClientConnection(
                        stream,
                        peer,
                        access.administers(peer),
                        device.id(),
                        registry,
                        this::counters,
                        options,
                        stop.fd());
        Thread thread =
                Thread.ofPlatform()
                        .daemon()
                        .name("ublk%d-client-%d".formatted(device.id(), peer.pid()))
                        .unstarted(() -> {
                            try {
                                connection.serve();
                            } finally {
                                quota.leave(peer.pid());
                                connections.remove(Thread.currentThread());
                            }
                        });
        connections.add(thread);
        try {
            thread.start();
        } catch (Throwable e) {
            connections.remove(thread);
            stream.close();
            throw e;
        }
    }

    /**
     * Ends every connection and takes in no more; buffers stay. Waits a few seconds at most. A
     * second call does nothing.
     */
    public void stop() {
        if (!stopped.compareAndSet(false, true)) {
            return;
        }
        stop.signal();
        stopping.countDown();
        Deadline deadline = Deadline.in(STOP_PATIENCE);
        boolean ended = join(acceptor, deadline);
        // Nobody adds to these after the acceptor has ended.
        for (Thread connection : connections) {
            ended &= join(connection, deadline);
        }
        listener.close();
        ended &= adopter.stop(deadline);
        if (ended) {
            stop.close();
        } else {
            LOG.log(Level.WARNING, () -> path() + ": a client's request is still under way");
            // Whoever is still there looks at the event before it goes on, so it stays until then.
            Thread.ofVirtual().name("ublk" + device.id() + "-stop").start(this::closeEvent);
        }
    }

    private void closeEvent() {
        try {
            acceptor.join();
            for (Thread connection : connections) {
                connection.join();
            }
            boolean _ = adopter.stop(Deadline.never());
            stop.close();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static boolean join(Thread thread, Deadline deadline) {
        try {
            return thread.join(deadline.left());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /**
     * Stops, takes every buffer back and forgets what is noted of them. Of a device that
     * {@linkplain Device#isLeft waits for another server} the buffers stay, and what is noted of
     * them with them. A second call does nothing.
     */
    @Override
    public void close() {
        stop();
        if (!closed.compareAndSet(false, true)) {
            return;
        }
        if (device.isLeft()) {
            registry.leave();
        } else {
            registry.close();
            store.delete();
        }
    }

    @Override
    public String toString() {
        return "%s: %d buffers, %d connections"
                .formatted(path(), registry.size(), quota.connections());
    }
}
