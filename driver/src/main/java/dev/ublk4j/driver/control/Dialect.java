package dev.ublk4j.driver.control;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.ublk4j.driver.Driver;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.uapi.ControlCommand;
import dev.ublk4j.uapi.Feature;
import dev.ublk4j.uapi.wire.CommandEncoding;
import dev.ublk4j.uapi.wire.ControlCommandLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.OptionalLong;

/**
 * What a driver understands, as far as it can be found out without a device.
 *
 * @param encoding of control commands
 * @param features {@code UBLK_F_...} bits; empty for a driver before Linux 6.5, which does not tell
 */
record Dialect(CommandEncoding encoding, OptionalLong features) {
    private static final int NO_DEVICE = -1;

    /** Asks a driver. */
    static Dialect of(Driver driver, Duration timeout) {
        // Automatic: a driver that gives no answer in time may still write to it.
        Arena arena = Arena.ofAuto();
        MemorySegment bits = arena.allocate(ControlCommand.UBLK_FEATURES_LEN, Long.BYTES);
        int answer = send(driver, ControlCommand.UBLK_U_CMD_GET_FEATURES, bits, arena, timeout);
        if (answer >= 0) {
            return new Dialect(CommandEncoding.IOCTL, OptionalLong.of(bits.get(JAVA_LONG, 0)));
        }
        if (!isUnknown(answer)) {
            throw new LinuxException(ControlCommand.GET_FEATURES.cName(), driver.name(), answer);
        }
        // About no device, so that nothing happens: only whether the number is taken matters.
        int bare =
                send(
                        driver,
                        ControlCommand.UBLK_CMD_GET_DEV_INFO,
                        MemorySegment.NULL,
                        arena,
                        timeout);
        boolean refused = bare == Errno.EOPNOTSUPP.negated();
        return new Dialect(
                refused ? CommandEncoding.IOCTL : CommandEncoding.BARE, OptionalLong.empty());
    }

    private static int send(
            Driver driver, int op, MemorySegment payload, Arena arena, Duration timeout) {
        MemorySegment header = arena.allocate(ControlCommandLayout.LAYOUT);
        ControlCommandLayout.write(
                header,
                0,
                NO_DEVICE,
                ControlCommandLayout.NO_QUEUE,
                (int) payload.byteSize(),
                payload.address(),
                0);
        return driver.control(op, header, timeout);
    }

    /** Before 6.4 any encoded command, and in 6.4 this one, is about a device that is not there. */
    private static boolean isUnknown(int answer) {
        Errno errno = Errno.of(answer);
        return errno == Errno.ENODEV || errno == Errno.EINVAL || errno == Errno.EOPNOTSUPP;
    }

    /**
     * {@return whether the driver is known not to have a feature}
     *
     * <p>One that does not tell has none of those that came when drivers told. Which of the earlier
     * ones it has, the flags of a device say.
     */
    boolean lacks(Feature feature) {
        return features.isPresent()
                ? !feature.in(features.getAsLong())
                : feature.bit() >= Feature.USER_COPY.bit();
    }

    /** {@return whether the driver is known not to have a command} */
    boolean lacks(ControlCommand command) {
        return command.feature()
                .map(this::lacks)
                .orElseGet(() -> features.isEmpty() && !command.hasLegacyOp());
    }
}
