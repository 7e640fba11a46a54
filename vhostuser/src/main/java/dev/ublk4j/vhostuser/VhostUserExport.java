package dev.ublk4j.vhostuser;

import dev.ublk4j.driver.DataCounters;
import dev.ublk4j.embedded.EmbeddedDriver;
import dev.ublk4j.embedded.EmbeddedOptions;
import dev.ublk4j.exports.ExportedDevice;
import dev.ublk4j.linux.EventFd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.socket.AcceptLoop;
import dev.ublk4j.linux.socket.UnixListener;
import dev.ublk4j.linux.socket.UnixSocket;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Target;
import dev.ublk4j.uapi.Feature;
import dev.ublk4j.vhostuser.blk.BlkDevice;
import dev.ublk4j.vhostuser.blk.BlkQueue;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A target that vhost-user clients have as their virtio-blk disk, one client at a time.
 *
 * <p>It has a device of its own on the embedded driver: no kernel module, no privilege. Any thread
 * may call any method.
 */
public final class VhostUserExport implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(VhostUserExport.class.getName());

    /** Queues that a device can have, whatever processors this machine has: guests have others. */
    private static final int MAX_QUEUES = 64;

    /**
     * Has the devices of all exports, so that their numbers differ. The memory of clients gets its
     * pages when they touch them, so it is known by the numbers of its frames alone.
     */
    private static final EmbeddedDriver DRIVER =
            EmbeddedDriver.create(
                    EmbeddedOptions.defaults().withCpus(MAX_QUEUES).withNumberedFrames(true));

    private static final int BACKLOG = 4;

    private final VhostUserOptions options;
    private final ServedDisk disk;
    private final UnixListener listener;
    private final EventFd stop = EventFd.nonBlocking();
    private final Thread thread;
    private final AtomicBoolean closed = new AtomicBoolean();
    private volatile @Nullable Session session;

    private VhostUserExport(VhostUserOptions options, ServedDisk disk, UnixListener listener) {
        this.options = options;
        this.disk = disk;
        this.listener = listener;
        this.thread =
                Thread.ofPlatform()
                        .name("vhost-user-" + disk.served().id())
                        .unstarted(new AcceptLoop<>(listener, stop.fd(), this::serve));
    }

    /**
     * Serves a target; clients can connect when this has returned.
     *
     * @param target belongs to the export from now on, also when this fails
     * @param deviceOptions how to serve it; a client can have as many queues
     * @throws LinuxException when it cannot be served; {@code EADDRINUSE} when another process
     *     listens at the socket
     */
    public static VhostUserExport start(
            Target target, DeviceOptions deviceOptions, VhostUserOptions options) {
        return start(
                target, deviceOptions, options, () -> UnixListener.open(options.socket(), BACKLOG));
    }

    /**
     * Serves a target to clients of a socket that listens already, which whoever started this
     * process has passed to it. The socket's file stays when the export is closed.
     *
     * @param target belongs to the export from now on, also when this fails
     * @param deviceOptions how to serve it; a client can have as many queues
     * @param options {@link VhostUserOptions#socket} is not used
     * @param descriptor the socket's number; belongs to the export from now on, unless this fails
     * @throws LinuxException when it cannot be served; {@code ENOTSOCK} or {@code EINVAL} when the
     *     descriptor is no listening UNIX socket
     */
    public static VhostUserExport start(
            Target target, DeviceOptions deviceOptions, VhostUserOptions options, int descriptor) {
        return start(target, deviceOptions, options, () -> UnixListener.inherited(descriptor));
    }

    private static VhostUserExport start(
            Target target,
            DeviceOptions deviceOptions,
            VhostUserOptions options,
            Supplier<UnixListener> listening) {
        ExportedDevice<BlkQueue> exported = startDevice(target, deviceOptions, options);
        try {
            return listen(exported, options, listening.get());
        } catch (Throwable e) {
            exported.close();
            throw e;
        }
    }

    private static VhostUserExport listen(
            ExportedDevice<BlkQueue> exported, VhostUserOptions options, UnixListener listener) {
        try {
            VhostUserExport export =
                    new VhostUserExport(options, served(exported, options), listener);
            export.thread.start();
            return export;
        } catch (Throwable e) {
            listener.close();
            throw e;
        }
    }

    static ExportedDevice<BlkQueue> startDevice(
            Target target, DeviceOptions deviceOptions, VhostUserOptions options) {
        return ExportedDevice.start(
                DRIVER,
                target,
                deviceOptions.with(Feature.SHMEM_ZC),
                options.pinned(),
                queue -> new BlkQueue(queue, options.longestPoll()));
    }

    static ServedDisk served(ExportedDevice<BlkQueue> exported, VhostUserOptions options) {
        Geometry geometry = exported.device().geometry();
        int queues = exported.fronts().size();
        return new ServedDisk(exported, new BlkDevice(geometry, queues, options.serial()));
    }

    private void serve(UnixSocket client) {
        LOG.log(Level.DEBUG, () -> this + ": a client has connected");
        try (Session current = new Session(client, disk, options)) {
            session = current;
            if (!closed.get()) {
                current.run();
            }
        } finally {
            session = null;
        }
        LOG.log(Level.DEBUG, () -> this + ": the client has disconnected");
    }

    /** {@return where clients connect} */
    public Path socket() {
        return listener.path();
    }

    /** {@return the device that serves the target} */
    public Device device() {
        return disk.served();
    }

    /** {@return how the data of requests has travelled so far} */
    public DataCounters counters() {
        return DRIVER.counters(disk.served().id());
    }

    /** {@return requests whose data was copied because it was not aligned for the disk} */
    public long bounces() {
        return disk.exported().fronts().stream().mapToLong(BlkQueue::bounces).sum();
    }

    /** Waits until the device has stopped, whoever stopped it. */
    public void awaitStop() throws InterruptedException {
        disk.served().awaitStop();
    }

    /** Lets the client go, stops the device and closes its target. A second call does nothing. */
    @Override
    public void close() {
        if (!closed.compareAndSet(false, true)) {
            return;
        }
        stop.signal();
        Session current = session;
        if (current != null) {
            current.stop();
        }
        join();
        listener.close();
        disk.exported().close();
        stop.close();
    }

    private void join() {
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public String toString() {
        return "vhost-user at " + listener.path();
    }
}
