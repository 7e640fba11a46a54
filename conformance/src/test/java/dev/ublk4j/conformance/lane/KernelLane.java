package dev.ublk4j.conformance.lane;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.ublk4j.driver.Driver;
import dev.ublk4j.kernel.KernelDriver;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The driver of the running kernel; applications have its block devices open. */
public final class KernelLane implements Lane {
    private static final Path STAT_REFRESH = Path.of("/proc/sys/vm/stat_refresh");
    private static final Path VMSTAT = Path.of("/proc/vmstat");
    private static final int PAGE = 4096;

    private final KernelDriver driver;

    private KernelLane(KernelDriver driver) {
        this.driver = driver;
    }

    /** Opens the control device; skips the test where there is none. */
    public static KernelLane open() {
        assumeTrue(
                Files.exists(KernelDriver.CONTROL),
                "no /dev/ublk-control: the module ublk_drv is not loaded");
        return new KernelLane(KernelDriver.open());
    }

    @Override
    public Driver driver() {
        return driver;
    }

    @Override
    public ClientDisk openDisk(int deviceId) {
        return new KernelDisk(openBlock(deviceId));
    }

    private static Fd openBlock(int deviceId) {
        Path path = KernelDriver.blockPath(deviceId);
        for (int attempt = 0; ; attempt++) {
            try {
                return Fd.open(path, Fd.O_RDWR | Fd.O_DIRECT);
            } catch (LinuxException e) {
                // The node of a new device is made a moment after the device.
                if (e.errno() != Errno.ENOENT || attempt == 100) {
                    throw e;
                }
                Pause.briefly();
            }
        }
    }

    @Override
    public ClientArea area(MemorySegment mapping) {
        return new ClientArea() {
            @Override
            public MemorySegment memory() {
                return mapping;
            }

            @Override
            public void close() {
                // The kernel finds the frames of any memory by itself.
            }
        };
    }

    @Override
    public long pinnedBytes() {
        try {
            // Each processor counts for itself; reading this file adds the counters up.
            var _ = Files.readAllBytes(STAT_REFRESH);
            List<String> lines = Files.readAllLines(VMSTAT);
            long acquired = counter(lines, "nr_foll_pin_acquired");
            long released = counter(lines, "nr_foll_pin_released");
            return (acquired - released) * PAGE;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static long counter(List<String> lines, String name) {
        return lines.stream()
                .filter(line -> line.startsWith(name + " "))
                .mapToLong(line -> Long.parseLong(line.substring(name.length() + 1)))
                .findFirst()
                .orElseThrow();
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
