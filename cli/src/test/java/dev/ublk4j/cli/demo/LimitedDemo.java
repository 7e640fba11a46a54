package dev.ublk4j.cli.demo;

import dev.ublk4j.cli.demo.pagecache.PageCacheDemo;
import dev.ublk4j.embedded.EmbeddedDriver;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.targets.MemoryTarget;
import dev.ublk4j.testkit.client.ServedBlockDevice;
import dev.ublk4j.uapi.Feature;

/** Run as a process of its own, which may lock little and has no capabilities. */
final class LimitedDemo {
    private LimitedDemo() {}

    public static void main(String[] arguments) {
        try (EmbeddedDriver driver = EmbeddedDriver.create()) {
            for (Demo.Row row : new Demo(driver, 8 << 20).run()) {
                System.out.println(row.name() + " hits " + row.hits());
            }
            DeviceOptions options = DeviceOptions.defaults().with(Feature.SHMEM_ZC);
            try (Device device = Device.start(driver, new MemoryTarget(16 << 20), options)) {
                PageCacheDemo.Outcome outcome =
                        new PageCacheDemo(new ServedBlockDevice(driver, device), 64 << 10, 16, 100)
                                .run();
                System.out.println("runs of the page cache " + outcome.rows().size());
            }
        }
    }
}
