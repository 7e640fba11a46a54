package dev.ublk4j.cli;

import dev.ublk4j.crash.History;
import dev.ublk4j.crash.Recorder;
import dev.ublk4j.embedded.Disk;
import dev.ublk4j.embedded.EmbeddedDriver;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.targets.MemoryTarget;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

/** A recording of twenty writes, each to a block of its own with its number, and a check of it. */
final class SampleRecording {
    static final int BLOCK = 4096;
    static final int WRITES = 20;

    /** Fails when the thirteenth write is there. */
    private static final String CHECK =
            "#!/bin/sh\ncmp -s -n 1 -i %d:0 \"$1\" /dev/zero\n".formatted(13 * BLOCK);

    private SampleRecording() {}

    /** Makes {@code disk.rec} and {@code check.sh} in a folder. */
    static void make(Path folder) throws IOException {
        MemoryTarget target = new MemoryTarget(1 << 20);
        try (History history =
                        History.inFile(folder.resolve("disk.rec"), target.geometry(), 1 << 30);
                EmbeddedDriver driver = EmbeddedDriver.create();
                Arena arena = Arena.ofShared();
                Device device =
                        Device.start(
                                driver, new Recorder(target, history), DeviceOptions.defaults());
                Disk disk = driver.openBlock(device.id())) {
            for (int i = 1; i <= WRITES; i++) {
                disk.write(arena.allocate(BLOCK, BLOCK).fill((byte) i), (long) i * BLOCK);
                if (i == 10) {
                    history.mark("after mkfs");
                }
            }
        }
        Path check = Files.writeString(folder.resolve("check.sh"), CHECK);
        Path _ = Files.setPosixFilePermissions(check, PosixFilePermissions.fromString("rwxr-xr-x"));
    }
}
