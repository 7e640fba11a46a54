package dev.ublk4j.cli.serve;

import dev.ublk4j.cli.output.Rehearsal;
import dev.ublk4j.driver.Driver;
import dev.ublk4j.kernel.KernelDriver;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.Recovery;
import dev.ublk4j.sharing.SharingServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * One device, served by this process until it is deleted, taken away or the process is told to end.
 *
 * <p>SIGTERM and SIGINT stop and delete the device, {@linkplain TimelyEnd in time}; {@code del} and
 * {@code quiesce} of another process make {@link #serve} return. A device that was there before,
 * and of whose new server nobody has been told yet, goes on to wait for one.
 */
public final class Foreground implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(Foreground.class.getName());

    /** How long the target may take over what it has when it is told to end. */
    private static final Duration ANSWER_PATIENCE = Duration.ofSeconds(4);

    /** How long the driver may take to let go of a device that was taken over in vain. */
    private static final Duration LEAVE_PATIENCE = Duration.ofSeconds(4);

    private static final String TERMINATED = "terminated before the device was live";

    private final DevicePlan plan;
    private final RunFolder folder;
    private final ProcessIdentity self = ProcessIdentity.current();
    private final Supplier<? extends Driver> opener;
    private @Nullable Driver driver;
    private volatile @Nullable Device device;
    private @Nullable ControlSocket control;
    private @Nullable SharingServer sharing;
    private boolean takenOver;
    private boolean told;
    private boolean closed;
    private boolean inOrder = true;

    private Foreground(DevicePlan plan, RunFolder folder, Supplier<? extends Driver> opener) {
        this.plan = plan;
        this.folder = folder;
        this.opener = opener;
    }

    /**
     * Serves a device; returns when it has been deleted, or waits for another server.
     *
     * @param log this process's log, still without a device's number
     * @param onLive told of the device when it can be used
     * @throws RuntimeException when the device cannot be served, with the reason
     */
    public static void serve(
            DevicePlan plan, RunFolder folder, @Nullable Path log, Consumer<ServedDevice> onLive) {
        serve(plan, folder, log, KernelDriver::open, onLive);
    }

    /**
     * As {@link #serve(DevicePlan, RunFolder, Path, Consumer)}, on another driver than the
     * kernel's.
     *
     * @param opener opens it; called once
     */
    public static void serve(
            DevicePlan plan,
            RunFolder folder,
            @Nullable Path log,
            Supplier<? extends Driver> opener,
            Consumer<ServedDevice> onLive) {
        Rehearsal.run();
        try (Foreground server = new Foreground(plan, folder, opener)) {
            // Closing waits for a start under way, so that no signal leaves half a device behind.
            TimelyEnd.of(server::closeInTime, server::leftover);
            Device device = server.start();
            onLive.accept(server.announce(device, log));
            server.told();
            device.awaitStop();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private synchronized Device start() {
        if (closed) {
            throw new IllegalStateException(TERMINATED);
        }
        Driver opened = opener.get();
        driver = opened;
        LiveDevice live = plan.starter().apply(opened);
        device = live.device();
        sharing = live.sharing();
        takenOver = live.isTakenOver();
        return live.device();
    }

    private synchronized ServedDevice announce(Device live, @Nullable Path log) throws IOException {
        if (closed) {
            throw new IllegalStateException(TERMINATED);
        }
        ServedDevice served =
                new ServedDevice(
                        live.id(),
                        self,
                        plan.kind(),
                        plan.source(),
                        live.info().queues(),
                        live.info().queueDepth(),
                        live.info().maxIoBufBytes(),
                        live.geometry().size(),
                        live.geometry().logicalBlockSize(),
                        live.geometry().readOnly(),
                        Instant.now(),
                        log == null
                                ? null
                                : folder.nameLog(log, Integer.toString(live.id())).toString(),
                        plan.words(),
                        plan.composition());
        folder.write(served);
        control =
                ControlSocket.open(
                        folder.controlSocket(served.name()),
                        new DeviceControl(new LiveDevice(live, sharing, takenOver), served, folder)
                                ::answer);
        ServiceState.ready(System.getenv());
        return served;
    }

    /** From now on somebody knows of the device, and who ends this process ends that too. */
    private synchronized void told() {
        told = true;
    }

    /**
     * As {@link #close}, unless the target owes answers that it does not give in time: a stop would
     * wait for those, in the kernel, where nothing ends it, and the end of the process with it.
     */
    private boolean closeInTime() {
        Device served = device;
        if (served != null && !served.awaitAnswers(ANSWER_PATIENCE)) {
            return false;
        }
        return closeInOrder();
    }

    private String leftover() {
        Device served = device;
        if (served == null) {
            return "terminated while its device was being started, which takes too long";
        }
        return Recovery.of(served.info().flags()) == Recovery.NONE
                ? "device %d was not stopped in time and stops with this process; delete it with 'ublk4j del %d'"
                        .formatted(served.id(), served.id())
                : "device %d was not stopped in time and waits for another server: 'ublk4j recover %d'"
                        .formatted(served.id(), served.id());
    }

    /**
     * Stops and deletes the device, unless it waits for another server, which finds what it needs
     * in the folder. A second call waits for the first.
     */
    @Override
    public void close() {
        boolean _ = closeInOrder();
    }

    private synchronized boolean closeInOrder() {
        if (closed) {
            return inOrder;
        }
        closed = true;
        if (device != null) {
            try {
                closeControl();
                // Clients first, so that they change nothing any more; their memory last, when
                // there is no device that might use it.
                if (sharing != null) {
                    sharing.stop();
                }
                if (takenOver && !told) {
                    device.quiesce(LEAVE_PATIENCE);
                }
                device.close();
                if (device.isLeft()) {
                    LOG.log(Level.WARNING, () -> device + " waits for another server");
                } else {
                    if (sharing != null) {
                        sharing.close();
                    }
                    folder.remove(ServedName.device(device.id()), self);
                }
            } catch (RuntimeException | IOException | Error e) {
                inOrder = false;
                LOG.log(Level.ERROR, () -> device + " was not shut down cleanly", e);
            }
        }
        if (driver != null) {
            driver.close();
        }
        return inOrder;
    }

    private void closeControl() {
        if (control != null) {
            control.close();
        }
    }
}
