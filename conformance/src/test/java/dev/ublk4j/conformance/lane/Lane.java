package dev.ublk4j.conformance.lane;

import dev.ublk4j.driver.Driver;
import java.lang.foreign.MemorySegment;

/** A driver and the applications that use its devices. Any thread. */
public interface Lane extends AutoCloseable {
    /** {@return the driver under test} */
    Driver driver();

    /**
     * Opens the block device of a device, as an application does that goes past the page cache.
     *
     * @param deviceId of a started device
     */
    ClientDisk openDisk(int deviceId);

    /**
     * Makes a mapping known as memory that an application's requests have their data in.
     *
     * @param mapping stays mapped until the area is closed
     */
    ClientArea area(MemorySegment mapping);

    /** {@return bytes that are pinned now, by the driver or on its behalf} */
    long pinnedBytes();

    /** {@return whether the driver pins the memory that is registered with it} */
    boolean pins();

    /**
     * Has nobody make up integrity metadata that an application has not brought, or check it, as
     * far as that can be helped.
     *
     * @param deviceId of a started device with integrity metadata
     */
    void makeUpNoMetadata(int deviceId);

    @Override
    void close();
}
