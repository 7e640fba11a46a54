package dev.ublk4j.embedded;

import dev.ublk4j.driver.ControlTimeoutException;
import dev.ublk4j.driver.DataCounters;
import dev.ublk4j.driver.Driver;
import dev.ublk4j.driver.spi.CharDevice;
import dev.ublk4j.embedded.block.Gendisk;
import dev.ublk4j.embedded.control.ControlDispatcher;
import dev.ublk4j.embedded.control.ControlHeader;
import dev.ublk4j.embedded.control.Credentials;
import dev.ublk4j.embedded.control.Permission;
import dev.ublk4j.embedded.device.DeviceTable;
import dev.ublk4j.embedded.device.UblkDevice;
import dev.ublk4j.embedded.features.DriverSettings;
import dev.ublk4j.linux.Deadline;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.linux.internal.FullHeap;
import dev.ublk4j.uapi.ControlCommand;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * The ublk driver in this process: no kernel module, no privilege, no other process.
 *
 * <p>Servers use it as they use the kernel's; what the kernel has besides is here the way of its
 * clients: {@link #openBlock} opens the disk of a started device. A driver has its own devices and
 * numbers.
 */
public final class EmbeddedDriver implements Driver {
    private static final FullHeap FULL_HEAP = new FullHeap();
    private static final int NO_MEMORY = Errno.ENOMEM.negated();

    private final DeviceTable table;
    private final ControlDispatcher dispatcher;
    private final KernelRelease release;
    private final Credentials caller;

    private EmbeddedDriver(
            DeviceTable table,
            ControlDispatcher dispatcher,
            KernelRelease release,
            Credentials caller) {
        this.table = table;
        this.dispatcher = dispatcher;
        this.release = release;
        this.caller = caller;
    }

    /** {@return a driver without devices, for a privileged caller} */
    public static EmbeddedDriver create() {
        return create(EmbeddedOptions.defaults());
    }

    /** {@return a driver without devices, for a privileged caller} */
    public static EmbeddedDriver create(EmbeddedOptions options) {
        DriverSettings settings = options.settings();
        DeviceTable table = new DeviceTable(settings);
        ControlDispatcher dispatcher = new ControlDispatcher(table, settings);
        return new EmbeddedDriver(
                table, dispatcher, options.release(), Credentials.administrator());
    }

    /** {@return this driver, its devices included, as another caller meets it} */
    EmbeddedDriver as(Credentials other) {
        return new EmbeddedDriver(table, dispatcher, release, other);
    }

    @Override
    public String name() {
        return release == KernelRelease.NEWEST ? "embedded" : "embedded as " + release;
    }

    @Override
    public int control(int commandOp, MemorySegment command, Duration timeout) {
        CompletableFuture<Integer> outcome;
        Deadline deadline;
        try {
            deadline = Deadline.in(timeout); // before the command is under way
            ControlHeader header = new ControlHeader(command);
            if (ControlDispatcher.isImmediate(commandOp)) {
                return dispatcher.dispatch(commandOp, header, caller, Thread.currentThread());
            }
            outcome = start(commandOp, header);
        } catch (OutOfMemoryError e) {
            return NO_MEMORY;
        }
        return await(outcome, commandOp, command, timeout, deadline);
    }

    /**
     * Has a thread of its own carry out a command, so that one without an answer in time goes on,
     * as the kernel's. It knows who waits for it: the requests of a queue of the sender's would
     * have no answer before the command has.
     */
    private CompletableFuture<Integer> start(int commandOp, ControlHeader header) {
        Thread sender = Thread.currentThread();
        CompletableFuture<Integer> outcome = new CompletableFuture<>();
        Thread.ofPlatform()
                .daemon()
                .name("ublk-" + name(commandOp))
                .start(() -> carryOut(commandOp, header, sender, outcome));
        return outcome;
    }

    private void carryOut(
            int commandOp,
            ControlHeader header,
            Thread sender,
            CompletableFuture<Integer> outcome) {
        int answer = 0;
        Throwable failure = null;
        try {
            answer = dispatcher.dispatch(commandOp, header, caller, sender);
        } catch (OutOfMemoryError e) {
            answer = NO_MEMORY;
        } catch (Throwable e) {
            failure = e;
        }
        while (true) {
            try {
                if (failure == null) {
                    outcome.complete(answer);
                } else {
                    outcome.completeExceptionally(failure);
                }
                return;
            } catch (OutOfMemoryError e) {
                // The sender waits, so this does too until there is room for the answer.
                FULL_HEAP.pause();
            }
        }
    }

    private static int await(
            CompletableFuture<Integer> outcome,
            int commandOp,
            MemorySegment command,
            Duration timeout,
            Deadline deadline) {
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return outcome.get(deadline.leftNanos(), TimeUnit.NANOSECONDS);
                } catch (InterruptedException e) {
                    interrupted = true;
                } catch (OutOfMemoryError e) {
                    // The command is under way: only its outcome says what has come of it.
                    FULL_HEAP.pause();
                } catch (TimeoutException e) {
                    ControlTimeoutException late = lateOrNull(outcome, commandOp, command, timeout);
                    if (late != null) {
                        throw late;
                    }
                    FULL_HEAP.pause();
                } catch (ExecutionException e) {
                    throw new IllegalStateException(name(commandOp) + " failed", e.getCause());
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** {@return the exception for a command that is late, null where there is no memory for it} */
    private static @Nullable ControlTimeoutException lateOrNull(
            CompletableFuture<Integer> outcome,
            int commandOp,
            MemorySegment command,
            Duration timeout) {
        try {
            String device = "device " + new ControlHeader(command).deviceId();
            return new ControlTimeoutException(name(commandOp), device, timeout, outcome);
        } catch (OutOfMemoryError e) {
            return null;
        }
    }

    private static String name(int commandOp) {
        ControlCommand command = ControlCommand.of(commandOp);
        return command == null ? "0x" + Integer.toHexString(commandOp) : command.cName();
    }

    @Override
    public CharDevice open(int deviceId) {
        String path = "/dev/ublkc" + deviceId;
        UblkDevice device = table.get(deviceId);
        if (device == null) {
            throw new LinuxException("openat", path, Errno.ENOENT.negated());
        }
        try {
            if (device.isDeleted()) {
                throw new LinuxException("openat", path, Errno.ENOENT.negated());
            }
            if (!Permission.mayUse(device, caller)) {
                throw new LinuxException("openat", path, Errno.EACCES.negated());
            }
            CharDevice opened = device.open();
            if (opened == null) {
                throw new LinuxException("openat", path, Errno.EBUSY.negated());
            }
            return opened;
        } finally {
            device.put();
        }
    }

    /**
     * Opens the disk of a started device, {@code /dev/ublkbN}, for reading and writing.
     *
     * @param deviceId the device's number
     * @throws LinuxException {@code ENOENT} when there is no such device or it is not started,
     *     {@code EPERM} when it is the unprivileged device of another owner, {@code ENXIO} when it
     *     is being stopped
     */
    public Disk openBlock(int deviceId) {
        String path = "/dev/ublkb" + deviceId;
        UblkDevice device = table.get(deviceId);
        if (device == null) {
            throw new LinuxException("openat", path, Errno.ENOENT.negated());
        }
        try {
            Gendisk disk = device.life().disk();
            if (disk == null) {
                throw new LinuxException("openat", path, Errno.ENOENT.negated());
            }
            int answer = Permission.toOpenDisk(device, caller);
            if (answer == 0) {
                answer = disk.opened();
            }
            LinuxException.check("openat", path, answer);
            return new Disk(disk);
        } finally {
            device.put();
        }
    }

    /** {@return the disk of a started device, for tests; null when there is none} */
    @Nullable Gendisk diskOf(int deviceId) {
        UblkDevice device = table.get(deviceId);
        if (device == null) {
            return null;
        }
        device.put();
        return device.life().disk();
    }

    /** {@return the numbers of all devices} */
    public List<Integer> deviceIds() {
        return table.ids();
    }

    /**
     * {@return how the data of a device's requests has travelled so far}
     *
     * @throws LinuxException {@code ENODEV} when there is no such device
     */
    public DataCounters counters(int deviceId) {
        UblkDevice device = table.get(deviceId);
        if (device == null) {
            throw new LinuxException("counters", "device " + deviceId, Errno.ENODEV.negated());
        }
        try {
            return device.counters();
        } finally {
            device.put();
        }
    }

    @Override
    public Optional<DataCounters> dataCounters(int deviceId) {
        return Optional.of(counters(deviceId));
    }

    /** Does nothing: devices live until they are deleted, and nothing else is held. */
    @Override
    public void close() {}

    @Override
    public String toString() {
        return "embedded ublk driver, devices " + table.ids();
    }
}
