package dev.ublk4j.embedded.device;

import dev.ublk4j.driver.DataCounters;
import dev.ublk4j.driver.spi.CharDevice;
import dev.ublk4j.embedded.block.Gendisk;
import dev.ublk4j.embedded.features.DeviceDescription;
import dev.ublk4j.embedded.features.DriverSettings;
import dev.ublk4j.embedded.queue.DataTally;
import dev.ublk4j.embedded.queue.QueueSet;
import dev.ublk4j.uapi.Feature;
import dev.ublk4j.uapi.wire.DeviceInfoLayout;
import dev.ublk4j.uapi.wire.ParamsLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A device from {@code ADD_DEV} until nobody refers to it: what it is made of. What happens to it
 * is its {@link DeviceLife}. Any thread.
 */
public final class UblkDevice {
    private final int id;
    private final Arena arena = Arena.ofShared();
    private final DeviceDescription description;
    private final BufferRegistry buffers;
    private final QueueSet queues;
    private final References references;
    private final DeviceLife life;

    /** Of the table's control lock. */
    private volatile boolean deleted;

    /**
     * Makes a device, on behalf of the table of devices.
     *
     * @param negotiated its {@code struct ublksrv_ctrl_dev_info}, copied
     * @param unreferenced called by the last to {@linkplain #put let go}
     */
    UblkDevice(
            int id,
            MemorySegment negotiated,
            DriverSettings settings,
            Consumer<UblkDevice> unreferenced) {
        this.id = id;
        MemorySegment info = arena.allocate(DeviceInfoLayout.SIZE, Long.BYTES);
        info.copyFrom(negotiated);
        description = new DeviceDescription(info);
        references = new References(() -> unreferenced.accept(this));
        buffers = new BufferRegistry(this::disk, settings.numberedFrames());
        queues = new QueueSet(description, settings, buffers.table(), arena);
        DeviceParameters parameters =
                new DeviceParameters(
                        arena.allocate(ParamsLayout.SIZE, Long.BYTES),
                        settings.release().parameterTypes(),
                        description.isZoned(),
                        description.has(Feature.UBLK_F_INTEGRITY));
        life = new DeviceLife(id, parameters, queues, references);
    }

    private @Nullable Gendisk disk() {
        return life.disk();
    }

    /** Lets go of everything, when nobody refers to the device any more. */
    void free() {
        buffers.clear();
        arena.close();
    }

    /** Adds a reference, unless nobody has one any more. */
    boolean tryGet() {
        return references.tryGet();
    }

    /** Takes a reference back; the last one frees the device. */
    public void put() {
        references.put();
    }

    private boolean isGone() {
        if (references.tryGet()) {
            references.put();
            return false;
        }
        return true;
    }

    /** {@return the device's number} */
    public int id() {
        return id;
    }

    /** {@return what {@code ADD_DEV} settled} */
    public DeviceDescription description() {
        return description;
    }

    /** {@return what happens to the device} */
    public DeviceLife life() {
        return life;
    }

    /** {@return the buffers that servers have registered} */
    public BufferRegistry buffers() {
        return buffers;
    }

    /** {@return whether the device has been deleted, and lives on for its users alone} */
    public boolean isDeleted() {
        return deleted;
    }

    void deleted() {
        deleted = true;
    }

    /** {@return the queues that a thread serves} */
    public OwnQueues ownQueues(Thread thread) {
        return OwnQueues.of(queues.servedBy(thread), life::disk);
    }

    /** {@return the char device, or null when somebody has it open} */
    public @Nullable CharDevice open() {
        CharFile file = life.open();
        return file == null ? null : new EmbeddedCharDevice(id, file, life, queues, this::isGone);
    }

    /** {@return how the data of the device's requests has travelled so far} */
    public DataCounters counters() {
        DataTally sum = new DataTally();
        CharFile open = life.holdFile();
        if (open != null) {
            open.addCountersTo(sum);
            open.put();
        }
        queues.addCountersTo(sum);
        return sum.snapshot();
    }

    @Override
    public String toString() {
        return life.toString();
    }
}
