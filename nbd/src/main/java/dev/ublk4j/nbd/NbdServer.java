package dev.ublk4j.nbd;

import dev.ublk4j.embedded.Disk;
import dev.ublk4j.embedded.EmbeddedDriver;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.Socket;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.Target;
import java.io.EOFException;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.net.InetSocketAddress;
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

/**
 * Gives clients that speak NBD devices of the embedded driver.
 *
 * {@snippet :
 * try (EmbeddedDriver driver = EmbeddedDriver.create();
 *         NbdServer server = new NbdServer(NbdOptions.defaults());
 *         Device device = server.export("", "", driver, target, DeviceOptions.defaults())) {
 *     server.listen(Path.of("/tmp/disk.sock"));
 *     device.awaitStop();
 * }
 * }
 *
 * <p>Close the server before the devices. Any thread, apart from queues' own.
 */
public final class NbdServer implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(NbdServer.class.getName());

    /** How long clients' requests may take to end when the server does. */
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final NbdOptions options;
    private final Map<String, NbdExport> exports =
            Collections.synchronizedMap(new LinkedHashMap<>());
    private final List<Listener> listeners = new ArrayList<>();

    /** Those that have not chosen an export yet. */
    private final Set<Socket> greeted = ConcurrentHashMap.newKeySet();

    private final Semaphore room;
    private final AtomicBoolean closed = new AtomicBoolean();

    /** Makes a server that has no exports and listens nowhere. */
    public NbdServer(NbdOptions options) {
        this.options = options;
        this.room = new Semaphore(options.maxConnections());
    }

    /**
     * Starts a device for a target, and makes it known under a name.
     *
     * @param name what clients ask for; the empty name is what they get that ask for none
     * @param description for people
     * @param driver must stay open until the device is closed
     * @param target belongs to the device from now on
     * @param deviceOptions how to serve it; with {@link dev.ublk4j.uapi.Feature#SHMEM_ZC} its data
     *     is not copied
     * @return the device, which the caller closes after this server
     * @throws IllegalArgumentException when the name is taken or too long
     * @throws LinuxException when the device cannot be started
     */
    public Device export(
            String name,
            String description,
            EmbeddedDriver driver,
            Target target,
            DeviceOptions deviceOptions) {
        if (exports.containsKey(name) || name.length() > OptionData.MAX_STRING / 4) {
            throw new IllegalArgumentException("name is taken, or too long: " + name);
        }
        List<QueueFront> fronts = new ArrayList<>();
        Device device =
                Device.start(
                        driver,
                        target,
                        deviceOptions,
                        queue -> {
                            fronts.add(new QueueFront(options.longestPoll()));
                            return fronts.getLast();
                        });
        try {
            Disk disk = driver.openBlock(device.id());
            exports.put(
                    name,
                    new NbdExport(name, description, device, disk, target.allocation(), fronts));
        } catch (LinuxException e) {
            device.close();
            throw e;
        }
        return device;
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

    private void listen(Socket socket) {
        synchronized (listeners) {
            listeners.add(new Listener(socket, this::onClient));
        }
    }

    private void onClient(Socket client) {
        if (!room.tryAcquire()) {
            LOG.log(Level.WARNING, () -> client + ": turned away, there are too many");
            client.close();
            return;
        }
        greeted.add(client);
        if (closed.get()) {
            client.shutdown();
        }
        Thread.ofPlatform().daemon().name("nbd-handshake").start(() -> greet(client));
    }

    private void greet(Socket client) {
        boolean goesOn = false;
        try (SocketStream stream = new SocketStream(client, options.tls(), options.patience())) {
            client.sendAtOnce();
            Negotiated chosen = new Handshake(stream, exports, options.tls()).run();
            if (chosen != null) {
                goesOn = handOver(stream, client.toString(), chosen);
            }
        } catch (EOFException e) {
            LOG.log(Level.DEBUG, () -> "%s: %s".formatted(client, e.getMessage()));
        } catch (IOException | LinuxException e) {
            LOG.log(
                    Level.WARNING,
                    () -> "%s: %s; its connection ends".formatted(client, e.getMessage()));
        } finally {
            greeted.remove(client);
            if (!goesOn) {
                client.shutdown();
                client.close();
                room.release();
            }
        }
    }

    /** {@return whether a queue has taken the client} */
    private boolean handOver(SocketStream stream, String name, Negotiated chosen) {
        QueueFront front = chosen.export().nextFront();
        DataArea area = chosen.export().areas().take();
        Socket socket = stream.handOver();
        Runnable onEnd = room::release;
        if (!front.execute(() -> front.take(socket, name, chosen, area, onEnd))) {
            Connection.abandon(socket, chosen.export(), area, onEnd);
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
        for (NbdExport export : exports.values()) {
            export.fronts().forEach(QueueFront::end);
        }
        boolean ended = awaitEnd();
        for (NbdExport export : exports.values()) {
            export.areas().close();
            export.disk().close();
        }
        if (!ended) {
            throw new IllegalStateException("requests of NBD clients do not end");
        }
    }

    private boolean awaitEnd() {
        boolean interrupted = false;
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        try {
            while (true) {
                try {
                    long left = deadline - System.nanoTime();
                    return room.tryAcquire(options.maxConnections(), left, TimeUnit.NANOSECONDS);
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
