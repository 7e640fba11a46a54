package dev.ublk4j.demo;

import dev.ublk4j.driver.Driver;
import dev.ublk4j.embedded.EmbeddedDriver;
import dev.ublk4j.kernel.KernelDriver;
import java.lang.foreign.MemorySegment;

/** An application that does direct I/O on a device from memory of its own. For one thread. */
interface Application extends AutoCloseable {
    /**
     * Opens a device.
     *
     * @param memory where all of the application's data lies
     * @param depth how many requests it may have under way
     */
    static Application open(Driver driver, int deviceId, MemorySegment memory, int depth) {
        return driver instanceof EmbeddedDriver embedded
                ? new EmbeddedApplication(embedded, deviceId, memory)
                : new KernelApplication(KernelDriver.blockPath(deviceId), memory, depth);
    }

    /**
     * Begins a read or write.
     *
     * @param write which of the two
     * @param offset where in the memory the data is, in bytes
     * @param length bytes
     * @param position where on the device, in bytes
     */
    void submit(boolean write, long offset, int length, long position);

    /**
     * Waits for requests to end.
     *
     * @param count how many
     * @throws dev.ublk4j.linux.LinuxException when one has failed
     */
    void await(int count);

    @Override
    void close();
}
