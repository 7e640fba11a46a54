package dev.ublk4j.conformance.lane;

import dev.ublk4j.driver.Driver;
import dev.ublk4j.embedded.ClientMemory;
import dev.ublk4j.embedded.EmbeddedDriver;
import dev.ublk4j.embedded.EmbeddedOptions;
import dev.ublk4j.embedded.KernelRelease;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;

/** The driver in this process; applications use its disks through its own client. */
public final class EmbeddedLane implements Lane {
    private static final Path STATUS = Path.of("/proc/self/status");

    private final EmbeddedDriver driver;

    private EmbeddedLane(EmbeddedOptions options) {
        driver = EmbeddedDriver.create(options.withCheckedCopies(true));
    }

    /** Creates a driver without devices, whose copies survive a bad address. */
    public static EmbeddedLane open() {
        return new EmbeddedLane(EmbeddedOptions.defaults());
    }

    /** Creates one like {@link #open} that is like a release's. */
    public static EmbeddedLane open(KernelRelease release) {
        return new EmbeddedLane(EmbeddedOptions.defaults().asKernel(release));
    }

    @Override
    public Driver driver() {
        return driver;
    }

    @Override
    public ClientDisk openDisk(int deviceId) {
        return new EmbeddedDisk(driver.openBlock(deviceId));
    }

    @Override
    public ClientArea area(MemorySegment mapping) {
        return new Known(new ClientMemory(mapping));
    }

    /** Memory whose frames the client has looked up. */
    record Known(ClientMemory client) implements ClientArea {
        @Override
        public MemorySegment memory() {
            return client.memory();
        }

        @Override
        public void close() {
            client.close();
        }
    }

    @Override
    public boolean pins() {
        return false;
    }

    @Override
    public long pinnedBytes() {
        try {
            return Files.readAllLines(STATUS).stream()
                    .filter(line -> line.startsWith("VmPin:"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) << 10)
                    .findFirst()
                    .orElseThrow();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void makeUpNoMetadata(int deviceId) {
        // The driver never does.
    }

    @Override
    public void close() {
        driver.close();
    }

    @Override
    public String toString() {
        return driver.name();
    }
}
