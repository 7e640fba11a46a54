package dev.ublk4j.conformance.device;

import dev.ublk4j.conformance.lane.ClientDisk;
import dev.ublk4j.conformance.lane.Lane;
import dev.ublk4j.driver.control.Control;
import dev.ublk4j.driver.spi.CharDevice;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.uapi.DeviceInfo;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * A device in whatever state a test needs it; closing it deletes it.
 *
 * <p>It is added, then attached (its char device is open and its queues have threads), then
 * fetched, then live. Each step can be taken alone.
 */
public final class TestDevice implements AutoCloseable {
    private final Lane lane;
    private final Control control;
    private final RawControl raw;
    private final Shape shape;
    private final DeviceInfo info;
    private final List<QueueLoop> loops = new ArrayList<>();
    private final Map<Integer, MemorySegment> registered = new ConcurrentHashMap<>();
    private @Nullable CharDevice charDevice;
    private boolean deleted;

    private TestDevice(Lane lane, Shape shape, DeviceInfo info) {
        this.lane = lane;
        this.control = new Control(lane.driver());
        this.raw = new RawControl(lane.driver());
        this.shape = shape;
        this.info = info;
    }

    /** Adds a device. */
    public static TestDevice added(Lane lane, Shape shape) {
        return adopted(lane, shape, new Control(lane.driver()).add(shape.request(-1)));
    }

    /** Takes over a device that was added by a raw command, which answered {@code info}. */
    public static TestDevice adopted(Lane lane, Shape shape, DeviceInfo info) {
        return new TestDevice(lane, shape, info);
    }

    /** Adds a device, sets its parameters and opens its char device. */
    public static TestDevice attached(Lane lane, Shape shape, Handler handler) {
        TestDevice device = added(lane, shape);
        try {
            device.control.setParams(device.id(), shape.params());
            device.attach(handler);
            return device;
        } catch (RuntimeException | Error e) {
            device.close();
            throw e;
        }
    }

    /** Adds a device and serves it. */
    public static TestDevice live(Lane lane, Shape shape, Handler handler) {
        TestDevice device = attached(lane, shape, handler);
        try {
            device.fetchAll();
            device.start();
            return device;
        } catch (RuntimeException | Error e) {
            device.close();
            throw e;
        }
    }

    /** Opens the char device and starts a thread for each queue. */
    public void attach(Handler handler) {
        CharDevice opened = lane.driver().open(id());
        charDevice = opened;
        for (int queue = 0; queue < info.queues(); queue++) {
            loops.add(new QueueLoop(opened, info, queue, handler, registered::get));
        }
    }

    /** Fetches every tag. */
    public void fetchAll() {
        loops.forEach(QueueLoop::fetchAll);
    }

    /** Makes the device live. */
    public void start() {
        control.start(id(), ProcessHandle.current().pid());
    }

    /** {@return whether a server has the char device open} */
    public boolean isAttached() {
        return charDevice != null;
    }

    /** The server goes away without a word. */
    public void detach() {
        try {
            loops.forEach(QueueLoop::close);
        } finally {
            loops.clear();
            if (charDevice != null) {
                charDevice.close();
                charDevice = null;
            }
        }
    }

    /** {@return the device's number} */
    public int id() {
        return info.deviceId();
    }

    /** {@return what ADD_DEV made of the shape} */
    public DeviceInfo info() {
        return info;
    }

    /** {@return the device's state now, {@code UBLK_S_DEV_...}} */
    public int state() {
        return control.info(id()).state();
    }

    /** {@return what was asked for} */
    public Shape shape() {
        return shape;
    }

    /** {@return the driver's control commands, typed} */
    public Control control() {
        return control;
    }

    /** {@return the driver's control commands, of any content} */
    public RawControl raw() {
        return raw;
    }

    /** {@return the open char device} */
    public CharDevice charDevice() {
        CharDevice open = charDevice;
        if (open == null) {
            throw new IllegalStateException("not attached");
        }
        return open;
    }

    /** {@return the thread of a queue} */
    public QueueLoop queue(int queue) {
        return loops.get(queue);
    }

    /** {@return the thread of the first queue} */
    public QueueLoop queue() {
        return queue(0);
    }

    /** {@return the block device, opened by an application} */
    public ClientDisk open() {
        return lane.openDisk(id());
    }

    /** Registers a buffer and remembers where the server finds it. */
    public int register(MemorySegment memory, boolean readOnly) {
        int index = control.registerBuffer(id(), memory, readOnly);
        registered.put(index, memory);
        return index;
    }

    /** Remembers where the server finds a buffer that was registered by a raw command. */
    public void remember(int index, MemorySegment memory) {
        registered.put(index, memory);
    }

    /** Takes a buffer back. */
    public void unregister(int index) {
        control.unregisterBuffer(id(), index);
        registered.remove(index);
    }

    /** Stops and deletes the device in an orderly way; its applications have closed it. */
    public void delete() {
        deleted = true;
        control.stop(id());
        detach();
        control.delete(id());
    }

    /** Takes the server away and deletes the device, whatever state both are in. */
    @Override
    public void close() {
        detach();
        if (deleted) {
            return;
        }
        deleted = true;
        try {
            control.delete(id());
        } catch (LinuxException e) {
            // A test may have deleted it.
            if (e.errno() != Errno.ENODEV) {
                throw e;
            }
        }
    }

    @Override
    public String toString() {
        return "ublk%d on %s".formatted(id(), lane);
    }
}
