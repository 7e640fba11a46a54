package dev.ublk4j.conformance.lane;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.ublk4j.driver.Driver;
import dev.ublk4j.kernel.KernelDriver;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.sharedmemory.frames.PinnedPages;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;

/** The driver of the running kernel; applications have its block devices open. */
public final class KernelLane implements Lane {
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
    public boolean pins() {
        return true;
    }

    @Override
    public long pinnedBytes() {
        try {
            return PinnedPages.held() * PAGE;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void makeUpNoMetadata(int deviceId) {
        Path folder = Path.of("/sys/block/ublkb" + deviceId, "integrity");
        try {
            Files.writeString(folder.resolve("write_generate"), "0");
            Files.writeString(folder.resolve("read_verify"), "0");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
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
