package dev.ublk4j.cli;

import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.Geometry;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** The options of every {@code add}, whatever the target is. */
@Command
final class DeviceFlags {
    @Option(
            names = {"-n", "--number"},
            paramLabel = "N",
            description = "The device's number, N of /dev/ublkbN. Default: the lowest free one.")
    private int number = -1;

    @Option(
            names = {"-q", "--queues"},
            paramLabel = "COUNT",
            defaultValue = "1",
            description = "Queues, each with a thread. Default: ${DEFAULT-VALUE}.")
    private int queues;

    @Option(
            names = {"-d", "--depth"},
            paramLabel = "COUNT",
            defaultValue = "128",
            description = "Requests that a queue can have out. Default: ${DEFAULT-VALUE}.")
    private int depth;

    @Option(
            names = "--max-io",
            paramLabel = "SIZE",
            defaultValue = "512K",
            converter = ByteSize.class,
            description = "The largest request. Default: ${DEFAULT-VALUE}.")
    private long maxIo;

    @Option(
            names = {"-b", "--block-size"},
            paramLabel = "SIZE",
            converter = ByteSize.class,
            description = "The logical block size, 512 to 4K. Default: the target's.")
    private @Nullable Long blockSize;

    @Option(
            names = {"-r", "--read-only"},
            description = "Refuse writes.")
    private boolean readOnly;

    @Option(
            names = "--foreground",
            description = "Serve here, until Ctrl-C, SIGTERM or 'ublk4j del'.")
    private boolean foreground;

    @Option(names = "--json", description = "Print the device as JSON.")
    private boolean json;

    boolean readOnly() {
        return readOnly;
    }

    boolean foreground() {
        return foreground;
    }

    boolean json() {
        return json;
    }

    /**
     * {@return how the device is to be served}
     *
     * @throws IllegalArgumentException when a number is out of range
     */
    DeviceOptions options() {
        int largest = (int) Math.min(maxIo, Integer.MAX_VALUE);
        return new DeviceOptions(number, queues, depth, largest, 0);
    }

    /**
     * Checks a size that a person gave.
     *
     * @throws IllegalArgumentException when it is no whole number of blocks
     */
    void checkSize(long size) {
        shape(Geometry.ofSize(size));
    }

    /**
     * {@return a target's own geometry with what these options change about it}
     *
     * @throws IllegalArgumentException when it does not fit
     */
    Geometry shape(Geometry geometry) {
        Geometry shaped = geometry;
        if (blockSize != null && blockSize != geometry.logicalBlockSize()) {
            if (blockSize < geometry.logicalBlockSize()) {
                throw new IllegalArgumentException(
                        "block size %d is smaller than the target's own, %d"
                                .formatted(blockSize, geometry.logicalBlockSize()));
            }
            shaped = shaped.withBlockSize((int) Math.min(blockSize, Integer.MAX_VALUE));
        }
        return readOnly && !shaped.readOnly() ? shaped.asReadOnly() : shaped;
    }
}
