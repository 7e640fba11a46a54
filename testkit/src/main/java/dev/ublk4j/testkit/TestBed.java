package dev.ublk4j.testkit;

import dev.ublk4j.driver.control.Control;
import dev.ublk4j.embedded.Disk;
import dev.ublk4j.embedded.DiskRequest;
import dev.ublk4j.embedded.EmbeddedDriver;
import dev.ublk4j.embedded.EmbeddedOptions;
import dev.ublk4j.embedded.KernelRelease;
import dev.ublk4j.linux.Deadline;
import dev.ublk4j.linux.Mapping;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.Inheritance;
import dev.ublk4j.server.Target;
import dev.ublk4j.testkit.fault.Faults;
import dev.ublk4j.testkit.fault.FaultyDriver;
import dev.ublk4j.uapi.DeviceState;
import dev.ublk4j.uapi.Feature;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/**
 * A device over a target under test, and its client.
 *
 * {@snippet :
 * try (TestBed bed = TestBed.of(new RamDisk(1 << 20))) {
 *     bed.write(4096, data);
 *     assertThat(bed.read(4096, data.length)).isEqualTo(data);
 * }
 * }
 *
 * <p>The calls that move arrays wait and throw what the device answers. {@link #submit} takes any
 * request, of several segments, in shared memory, many at a time. Whatever waits gives up after 30
 * seconds with an {@link AssertionError}, so that a test with a target that never answers fails and
 * does not hang.
 */
public final class TestBed implements AutoCloseable {
    static final Duration PATIENCE = Duration.ofMinutes(2);

    private static final Duration RECHECK = Duration.ofNanos(100_000);
    private static final int PAGE = 4096;

    private final EmbeddedDriver driver;
    private final Faults faults = new Faults();
    private final Arena arena = Arena.ofShared();
    private final List<SharedArea> areas = new ArrayList<>();
    private final Disk disk;
    private volatile FaultyDriver server;
    private volatile Device device;

    private TestBed(Target target, DeviceOptions options, EmbeddedDriver driver) {
        this.driver = driver;
        server = new FaultyDriver(driver, faults);
        device = Device.start(server, target, options);
        disk = driver.openBlock(device.id());
    }

    /** {@return what {@link #of(Target)} starts a device with: one queue, 16 requests at a time} */
    public static DeviceOptions options() {
        return DeviceOptions.defaults().withDepth(16).with(Feature.SHMEM_ZC);
    }

    /**
     * Starts a device.
     *
     * @param target belongs to the test bed from now on, and is closed with it
     */
    public static TestBed of(Target target) {
        return of(target, options());
    }

    /**
     * Starts a device.
     *
     * @param target belongs to the test bed from now on, and is closed with it
     * @param options more queues, less depth, other features: {@link #options} to begin with
     */
    public static TestBed of(Target target, DeviceOptions options) {
        return new TestBed(target, options, EmbeddedDriver.create());
    }

    /**
     * Starts a device on a driver that is like an older kernel's.
     *
     * @param target belongs to the test bed from now on, and is closed with it
     * @param options without what the release lacks: {@link #options} share memory, which came with
     *     Linux 7.1
     */
    public static TestBed of(Target target, DeviceOptions options, KernelRelease release) {
        EmbeddedOptions older = EmbeddedOptions.defaults().asKernel(release);
        return new TestBed(target, options, EmbeddedDriver.create(older));
    }

    /** {@return what goes wrong beneath the target: nothing, until it is told} */
    public Faults faults() {
        return faults;
    }

    /** {@return the device as its server has it} */
    public Device device() {
        return device;
    }

    /** {@return the device as its clients have it} */
    public Disk disk() {
        return disk;
    }

    /** {@return the driver beneath, without faults} */
    public EmbeddedDriver driver() {
        return driver;
    }

    /**
     * Reads, and waits for it.
     *
     * @param position where on the disk, bytes
     * @throws dev.ublk4j.linux.LinuxException when the device answers with an errno
     */
    public byte[] read(long position, int length) {
        try (Arena memory = Arena.ofShared()) {
            MemorySegment data = memory.allocate(length, PAGE);
            long _ = submit(request -> request.read(position).add(data)).check();
            return data.toArray(ValueLayout.JAVA_BYTE);
        }
    }

    /**
     * Writes, and waits for it.
     *
     * @param position where on the disk, bytes
     * @throws dev.ublk4j.linux.LinuxException when the device answers with an errno
     */
    public void write(long position, byte[] bytes) {
        try (Arena memory = Arena.ofShared()) {
            MemorySegment data = memory.allocate(bytes.length, PAGE);
            data.copyFrom(MemorySegment.ofArray(bytes));
            long _ = submit(request -> request.write(position).add(data)).check();
        }
    }

    /** Flushes, and waits for it. */
    public void flush() {
        long _ = submit(DiskRequest::flush).check();
    }

    /** Discards a range, in bytes, and waits for it. */
    public void discard(long position, long length) {
        long _ = submit(request -> request.discard(position, length)).check();
    }

    /** Writes zeroes to a range, in bytes, and waits for it; the space may be given back. */
    public void writeZeroes(long position, long length) {
        long _ = submit(request -> request.writeZeroes(position, length, true)).check();
    }

    /**
     * Submits any request, to the first queue, without waiting for it.
     *
     * {@snippet :
     * InFlight read = bed.submit(request -> request.read(0).add(first).add(second));
     * }
     *
     * @param filling says what it is to do and adds where its data is
     */
    public InFlight submit(Consumer<DiskRequest> filling) {
        return submit(filling, 0);
    }

    /**
     * Submits any request without waiting for it.
     *
     * @param filling says what it is to do and adds where its data is
     * @param queue below the number of the device's queues
     */
    public InFlight submit(Consumer<DiskRequest> filling, int queue) {
        InFlight submitted = new InFlight(this);
        filling.accept(submitted.request());
        disk.submit(submitted.request(), queue);
        return submitted;
    }

    /** {@return memory for the data of requests, page aligned, until the test bed is closed} */
    public MemorySegment memory(long bytes) {
        return Mapping.anonymous(bytes, Mapping.MAP_PRIVATE, arena);
    }

    /**
     * {@return new memory that the device shares, until the test bed is closed}
     *
     * @param bytes a multiple of the page
     */
    public SharedArea share(long bytes) {
        SharedArea area = new SharedArea(device, bytes);
        areas.add(area);
        return area;
    }

    /** {@return what the driver makes of the device, {@code UBLK_S_DEV_...}} */
    public int state() {
        return new Control(driver).info(device.id()).state();
    }

    /**
     * Begins to stop the device while requests are out; returns as soon as it takes no more.
     *
     * @return completes when the device has stopped, which is when the target has answered
     */
    public CompletableFuture<Void> beginStop() {
        CompletableFuture<Void> stopped = new CompletableFuture<>();
        Thread.ofPlatform()
                .daemon()
                .name("testbed-stop")
                .start(() -> {
                    try {
                        device.stop();
                        stopped.complete(null);
                    } catch (Throwable e) {
                        stopped.completeExceptionally(e);
                    }
                });
        await("the device still takes requests", () -> disk.size() == 0 || stopped.isDone());
        return stopped;
    }

    /**
     * Has the server die where it stands: nothing that is out is answered by it, and it sends no
     * more commands. Returns when the driver has noticed, and the device is in its next {@link
     * #state}: {@code DEAD}, or with a recovery feature {@code QUIESCED} or {@code FAIL_IO}.
     *
     * <p>The target is told that its queues have stopped, and is closed, so that it leaves nothing
     * open; a real process would end without.
     */
    public void kill() {
        server.kill();
        awaitDeath();
    }

    /** Waits until a server that a fault has killed is gone, as {@link #kill} does. */
    public void awaitDeath() {
        await("the server is alive", () -> server.isDead() && isGone());
        device.close();
    }

    /**
     * Has another server take the device over from one that is dead, as {@link Device#recover}
     * does; it inherits what is shared. The device must have a recovery feature.
     *
     * @param next serves the same data; belongs to the test bed from now on
     */
    public void recover(Target next) {
        int id = device.id();
        Map<Integer, MemorySegment> buffers = new HashMap<>();
        for (SharedArea area : areas) {
            if (area.isShared()) {
                buffers.put(area.buffer().index(), area.buffer().memory());
            }
        }
        server = new FaultyDriver(driver, faults);
        device = Device.recover(server, id, next, new Inheritance(buffers, Set.of()));
        areas.forEach(area -> area.movedTo(device));
    }

    private boolean isGone() {
        try {
            return device.awaitStop(Duration.ZERO) && state() != DeviceState.UBLK_S_DEV_LIVE;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while a server dies", e);
        }
    }

    private void await(String otherwise, BooleanSupplier condition) {
        if (!Deadline.in(PATIENCE).poll(RECHECK, condition)) {
            throw new AssertionError(otherwise + "; " + this);
        }
    }

    /** Forgets all faults, stops and deletes the device, and closes its target. */
    @Override
    public void close() {
        faults.clear();
        try {
            disk.close();
            device.close();
            if (server.isDead()) {
                new Control(driver).delete(device.id());
            }
        } finally {
            areas.forEach(SharedArea::close);
            arena.close();
        }
    }

    @Override
    public String toString() {
        return "%s, %s".formatted(device, server);
    }
}
