package dev.ublk4j.cli;

import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.uapi.Feature;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/** Who brings the data of requests that does not lie in shared memory; one of them, or none. */
@Command
final class DataFlags {
    @Option(
            names = {"-u", "--user-copy"},
            scope = ScopeType.INHERIT,
            description =
                    "Let the server copy the data with pread and pwrite (UBLK_F_USER_COPY),"
                            + " straight to where the target wants it.")
    private boolean userCopy;

    @Option(
            names = {"-z", "--zero-copy"},
            scope = ScopeType.INHERIT,
            description =
                    "Register the pages of each request with io_uring (UBLK_F_AUTO_BUF_REG), so"
                            + " that no data is copied. Only for null and file.")
    private boolean zeroCopy;

    /**
     * {@return these options with what was chosen}
     *
     * @throws IllegalArgumentException when both were
     */
    DeviceOptions choose(DeviceOptions options) {
        if (userCopy && zeroCopy) {
            throw new IllegalArgumentException("--user-copy and --zero-copy exclude each other");
        }
        if (userCopy) {
            return options.with(Feature.USER_COPY);
        }
        return zeroCopy
                ? options.with(Feature.SUPPORT_ZERO_COPY).with(Feature.AUTO_BUF_REG)
                : options;
    }
}
