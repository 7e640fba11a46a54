package dev.ublk4j.cli;

import dev.ublk4j.cli.serve.DeviceControl;
import dev.ublk4j.cli.serve.RunFolders;
import dev.ublk4j.cli.serve.ServedDevice;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code ublk4j resize}. */
@Command(
        name = "resize",
        description = "Give a device that is in use another size.",
        footer = {
            "",
            "The file of a device grows with it, and never shrinks. What is on the device, such as a"
                    + " file system, is resized by its own tools: after a device has grown, and"
                    + " before it shrinks."
        })
final class ResizeCommand implements Callable<Integer> {
    @Parameters(index = "0", paramLabel = "N", description = "The device, by number.")
    private int number;

    @Parameters(
            index = "1",
            paramLabel = "SIZE",
            converter = ByteSize.class,
            description = "Its new size, like 512M or 2G.")
    private long size;

    @Mixin private final OutputFlags output = new OutputFlags();

    @Override
    public Integer call() {
        DriverModule.check();
        ServedDevice resized = DeviceControl.resize(RunFolders.ofUser().of(number), number, size);
        if (output.json()) {
            output.out().println(resized.json());
            output.out().flush();
        }
        return 0;
    }
}
