package dev.ublk4j.nbd;

import dev.ublk4j.embedded.EmbeddedDriver;
import dev.ublk4j.exports.ExportedDevice;
import dev.ublk4j.linux.Deadline;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.internal.Complaint;
import dev.ublk4j.linux.internal.QuietLog;
import dev.ublk4j.linux.socket.Socket;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.Target;
import java.io.EOFException;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/**
 * Gives clients that speak NBD devices of the embedded driver.
 *
 * {@snippet :
 * try (NbdServer server = new NbdServer(NbdOptions.defaults());
 *         Device device = server.export("", "", target, DeviceOptions.defaults())) {
 *     server.listen(Path.of("/tmp/disk.sock"));
 *     device.awaitStop();
 * }
 * }
 *
 * <p>Close the server before the devices. Any thread, apart from queues' own.
 */
public final class NbdServer implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(NbdServer.class.getName());

    /** Bytes of the longest description of an export, in UTF-8. */
    public static final int MAX_DESCRIPTION = OptionData.MAX_STRING;

    /** How long clients' requests may take to end when the server does. */
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    /** After how much silence a client of TCP is asked whether it is still there, and how often. */
    private static final Duration SILENCE = Duration.ofMinutes(1);

    private static final Duration ASKING = Duration.ofSeconds(15);
    private static final int QUESTIONS = 4;

    /** Descriptors that are kept for what comes up while there are few. */
    private static final int SPARE = 16;

    /** Descriptors that a client may yet need: a pair of sockets for TLS, and memory to share. */
    private static final int TO_COME = 3;

    private final NbdOptions options;

    /** Has the devices of all exports. */
    private final EmbeddedDriver driver = EmbeddedDriver.create();

    private final Map<String, NbdExport> exports =
            Collections.synchronizedMap(new LinkedHashMap<>());
    private final List<Listener> listeners = new ArrayList<>();

    /** Those that have not chosen an export yet. */
    private final Set<Socket> greeted = ConcurrentHashMap.newKeySet();

    /** Those of connections that are encrypted. */
    private final Set<TlsRelay> relays = ConcurrentHashMap.newKeySet();

    private final Semaphore room;
    private final PayloadMemory payloads;
    private final Threads threads;
    private final AtomicBoolean closed = new AtomicBoolean();
    private final QuietLog turnedAway = new QuietLog(LOG);
    private final QuietLog drops = new QuietLog(LOG);
    private final QuietLog failures = new QuietLog(LOG);
    private @Nullable Clock clock;

    /**
     * Makes a server that has no exports and listens nowhere.
     *
     * @throws LinuxException {@code ENOMEM} when its memory cannot be mapped
     */
    public NbdServer(NbdOptions options) {
        this(options, Threads.ofJdk());
    }

    NbdServer(NbdOptions options, Threads threads) {
        this.options = options;
        this.room = new Semaphore(options.maxConnections());
        this.payloads = new PayloadMemory(options.maxPayloads());
        this.threads = threads;
    }

    /**
     * Starts a device for a target, and makes it known under a name.
     *
     * @param name what clients ask for; the empty name is what they get that ask for none
     * @param description for people, at most {@link #MAX_DESCRIPTION} bytes
     * @param target belongs to the device from now on, also when this fails: it is closed with it
     * @param deviceOptions how to serve it; with {@link dev.ublk4j.uapi.Feature#SHMEM_ZC} its data
     *     is not copied, and what does not fit into shared memory only once {@linkplain
     *     DeviceOptions#withBestMode() in the best mode}
     * @return the device, which the caller closes after this server
     * @throws IllegalArgumentException when the name is taken or too long
     * @throws LinuxException when the device cannot be started
     */
    public Device export(
            String name, String description, Target target, DeviceOptions deviceOptions) {
        if (exports.containsKey(name) || name.length() > OptionData.MAX_STRING / 4) {
            target.close();
            throw new IllegalArgumentException("the name is in use, or too long: " + name);
        }
        if (description.getBytes(StandardCharsets.UTF_8).length > MAX_DESCRIPTION) {
            target.close();
            throw new IllegalArgumentException("the description is too long: " + description);
        }
        ExportedDevice<QueueConnections> exported =
                ExportedDevice.start(
                        driver,
                        target,
                        deviceOptions,
                        true,
                        queue -> new QueueConnections(queue, options.longestPoll()));
        try {
            exports.put(
                    name, new NbdExport(name, description, exported, target, payloads, threads));
        } catch (Throwable e) {
            exported.close();
            throw e;
        }
        return exported.device();
    }

    /**
     * Lets clients in by a UNIX socket, which is removed in the end. It takes the place of one that
     * nobody listens at.
     *
     * @throws LinuxException {@code EADDRINUSE} where somebody listens, or something is that is no
     *     socket
     */
    public void listen(Path path) {
        listen(Socket.listen(path));
    }

    /**
     * Lets clients in by TCP.
     *
     * @param address resolved; port 0 for any that is free
     * @return the port
     * @throws LinuxException {@code EADDRINUSE} or {@code EADDRNOTAVAIL} when it cannot be had
     */
    public int listen(InetSocketAddress address) {
        Socket socket = Socket.listen(address);
        int port = socket.port();
        listen(socket);
        return port;
    }

    /**
     * Lets clients in by a UNIX or TCP socket that listens already, which whoever started this
     * process has passed to it. The file of a UNIX socket stays when the server is closed.
     *
     * @param descriptor the socket's number; belongs to the server from now on, unless this fails
     * @return where it listens; null for a UNIX socket that is in no file system
     * @throws LinuxException {@code EBADF}, {@code ENOTSOCK} or {@code EINVAL} when the descriptor
     *     is no listening socket
     */
    public @Nullable SocketAddress listenInherited(int descriptor) {
        Socket socket = Socket.inherited(descriptor);
        Path path = socket.pathOrNull();
        SocketAddress address =
                path == null ? socket.addressOrNull() : UnixDomainSocketAddress.of(path);
        listen(socket);
        return address;
    }

    private void listen(Socket socket) {
        try {
            synchronized (listeners) {
                if (clock == null) {
                    clock =
                            new Clock(
                                    options.patience().dividedBy(Progress.LOOKS),
                                    this::tick,
                                    threads);
                }
                listeners.add(new Listener(socket, this::spare, this::onClient, threads));
            }
        } catch (Throwable e) {
            socket.close();
            throw e;
        }
    }

    /** Looks whether clients go on with what they have begun. */
    private void tick() {
        threads.catchUp();
        relays.removeIf(TlsRelay::isEnded);
        relays.forEach(TlsRelay::tick);
        for (NbdExport export : snapshot().values()) {
            export.fronts().forEach(QueueConnections::tick);
        }
    }

    /** {@return the exports as they are now} */
    private Map<String, NbdExport> snapshot() {
        synchronized (exports) {
            return new LinkedHashMap<>(exports);
        }
    }

    /** {@return how many descriptors the next client has to wait for} */
    private int spare() {
        if (room.availablePermits() == options.maxConnections()) {
            return 0; // there is nobody who could give any back
        }
        return SPARE + TO_COME * (greeted.size() + 1);
    }

    private void onClient(Socket client) {
        if (!room.tryAcquire()) {
            client.close();
            turnedAway.log(
                    Level.WARNING,
                    () ->
                            "%s: refused, the limit is %d clients"
                                    .formatted(client, options.maxConnections()));
            return;
        }
        try {
            greeted.add(client);
            if (closed.get()) {
                client.shutdown();
            }
            threads.start("nbd-handshake", () -> greet(client));
        } catch (Throwable e) {
            greeted.remove(client);
            room.release();
            throw e;
        }
    }

    private void drop(Socket client, String why) {
        drops.log(Level.WARNING, () -> "%s: %s; its connection ends".formatted(client, why));
    }

    private void greet(Socket client) {
        boolean goesOn = false;
        boolean isRelayed = false;
        try (SocketStream stream =
                new SocketStream(
                        client, options.tls(), options.patience(), threads, room::release)) {
            try {
                client.sendAtOnce();
                client.keepAlive(SILENCE, ASKING, QUESTIONS);
                Negotiated chosen = new Handshake(stream, snapshot(), options.tls()).run();
                if (chosen != null) {
                    goesOn = handOver(stream, client.toString(), chosen);
                }
            } finally {
                isRelayed = stream.isRelayed();
            }
        } catch (EOFException e) {
            Complaint.log(LOG, Level.DEBUG, "%s: %s".formatted(client, e.getMessage()), null);
        } catch (SSLException e) {
            drop(client, Tls.reason(e));
        } catch (IOException | LinuxException e) {
            drop(client, String.valueOf(e.getMessage()));
        } catch (Throwable e) {
            failures.log(Level.ERROR, () -> client + ": cannot be served", e);
        } finally {
            greeted.remove(client);
            if (!goesOn && !isRelayed) {
                client.shutdown();
                client.close();
                room.release();
            }
        }
    }

    /** {@return whether the client has been passed on, or turned away, and is not ours any more} */
    private boolean handOver(SocketStream stream, String name, Negotiated chosen) {
        QueueConnections front = chosen.export().nextFront();
        DataArea area = chosen.export().areas().take();
        boolean isTaken = false;
        Link link = stream.handOver();
        TlsRelay relay = link.relay();
        // A relay holds the room until it has ended itself.
        Runnable onEnd = relay == null ? room::release : () -> {};
        try {
            if (relay != null) {
                relays.add(relay);
            }
            isTaken = front.execute(() -> front.take(link, name, chosen, area, onEnd));
        } finally {
            if (!isTaken) {
                Connection.abandon(link, chosen.export(), area, onEnd);
            }
            if (relay != null && closed.get()) {
                relay.cut();
            }
        }
        return true;
    }

    /**
     * Lets nobody in any more, ends every connection and waits until no request of theirs is under
     * way. The devices stay. A second call does nothing.
     *
     * @throws IllegalStateException when requests do not end
     */
    @Override
    public void close() {
        if (!closed.compareAndSet(false, true)) {
            return;
        }
        synchronized (listeners) {
            listeners.forEach(Listener::close);
        }
        greeted.forEach(Socket::shutdown);
        for (NbdExport export : snapshot().values()) {
            export.fronts().forEach(QueueConnections::endServing);
        }
        relays.forEach(TlsRelay::cut);
        boolean ended = awaitEnd();
        if (clock != null) {
            clock.close();
        }
        threads.catchUp();
        for (NbdExport export : snapshot().values()) {
            export.areas().close();
            export.disk().close();
        }
        if (ended) {
            payloads.close();
        }
        if (!ended) {
            throw new IllegalStateException("requests of NBD clients do not end");
        }
    }

    private boolean awaitEnd() {
        boolean interrupted = false;
        Deadline deadline = Deadline.in(PATIENCE);
        try {
            while (true) {
                try {
                    return room.tryAcquire(
                            options.maxConnections(), deadline.leftNanos(), TimeUnit.NANOSECONDS);
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    @Override
    public String toString() {
        return "NBD server of " + exports.values();
    }
}
