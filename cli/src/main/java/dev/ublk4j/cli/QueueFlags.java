package dev.ublk4j.cli;

import dev.ublk4j.server.DeviceOptions;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/** The options of every device, whichever driver it is added to and whatever its target is. */
@Command
final class QueueFlags {
    @Option(
            names = {"-d", "--depth"},
            paramLabel = "COUNT",
            defaultValue = "128",
            scope = ScopeType.INHERIT,
            description = "Requests that one queue can have in flight. Default: ${DEFAULT-VALUE}.")
    private int depth;

    @Option(
            names = "--max-io",
            paramLabel = "SIZE",
            converter = ByteSize.class,
            scope = ScopeType.INHERIT,
            description =
                    "The size of the largest request. Default: 1M in the modes zero-copy and"
                            + " manual-zero-copy, 512K in the others.")
    private @Nullable Long maxIo;

    /**
     * {@return how a device is to be served}
     *
     * @param number the device's number, or -1
     * @param queues how many queues
     * @throws IllegalArgumentException when a number is out of range
     */
    DeviceOptions options(int number, int queues) {
        DeviceOptions options =
                DeviceOptions.defaults().withId(number).withQueues(queues).withDepth(depth);
        return maxIo == null
                ? options
                : options.withMaxIo((int) Math.min(maxIo, Integer.MAX_VALUE));
    }
}
