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
                    "Let the server copy data by calls of its own, right to where the target wants it.")
    private boolean userCopy;

    @Option(
            names = {"-z", "--zero-copy"},
            scope = ScopeType.INHERIT,
            description =
                    "Let io_uring have the application's pages, so that nobody copies; for null and"
                            + " file.")
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
