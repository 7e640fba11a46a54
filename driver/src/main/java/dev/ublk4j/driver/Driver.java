package dev.ublk4j.driver;

import dev.ublk4j.driver.spi.CharDevice;
import dev.ublk4j.linux.LinuxException;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.Optional;

/**
 * A ublk driver: what {@code /dev/ublk-control} and {@code /dev/ublkcN} offer a server.
 *
 * <p>There are two, the kernel's and one written in Java. Whoever holds a driver cannot tell which
 * one it is, and does not need to. Any thread may call any method.
 */
public interface Driver extends AutoCloseable {
    /** {@return what a person calls this driver, such as {@code kernel 7.3.4}} */
    String name();

    /**
     * Sends one control command and waits for its completion.
     *
     * <p>Some commands wait by design: {@code START_DEV} until every tag has been fetched, {@code
     * DEL_DEV} until the last opener is gone, {@code UNREG_BUF} until no request uses the buffer.
     *
     * @param commandOp the encoded number, {@code UBLK_U_CMD_...}
     * @param command a {@code struct ublksrv_ctrl_cmd}, 32 bytes of native memory, read before this
     *     method returns; what it points to must stay valid until the command has its outcome
     * @param timeout how long to wait for the completion
     * @return the result of the command: 0 or more, or a negative errno
     * @throws ControlTimeoutException when it did not complete in time; it carries the outcome,
     *     which comes later
     * @throws LinuxException when the driver cannot be reached at all
     */
    int control(int commandOp, MemorySegment command, Duration timeout);

    /**
     * Opens the char device of a device, {@code /dev/ublkcN}. A device has one opener at a time.
     *
     * @param deviceId the device's number
     * @throws LinuxException {@code ENOENT} when there is no such device, {@code EBUSY} when
     *     another server has it open, {@code EACCES} when the caller may not
     */
    CharDevice open(int deviceId);

    /**
     * {@return how the data of a device's requests has travelled, and why it was copied, where the
     * driver tells} The kernel's does not.
     *
     * @param deviceId the device's number
     * @throws LinuxException {@code ENODEV} when there is no such device
     */
    default Optional<DataCounters> dataCounters(int deviceId) {
        return Optional.empty();
    }

    /** Lets go of the driver. Devices that were added stay. */
    @Override
    void close();
}
