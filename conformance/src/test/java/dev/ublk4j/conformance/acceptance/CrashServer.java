package dev.ublk4j.conformance.acceptance;

import dev.ublk4j.kernel.KernelDriver;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.Inheritance;
import dev.ublk4j.server.Recovery;
import dev.ublk4j.server.Target;
import dev.ublk4j.targets.BackingFile;
import dev.ublk4j.targets.FileTarget;
import dev.ublk4j.uapi.Feature;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** Serves a file, in a process that is made to be killed at any moment. */
final class CrashServer {
    private static final int NEW = -1;

    private CrashServer() {}

    /** How the data of requests reaches the target. */
    enum Data {
        COPY,
        USER_COPY(Feature.USER_COPY),
        ZERO_COPY(Feature.SUPPORT_ZERO_COPY, Feature.AUTO_BUF_REG);

        private final List<Feature> features;

        Data(Feature... features) {
            this.features = List.of(features);
        }
    }

    /**
     * Adds or recovers a device and serves it.
     *
     * @param arguments a file that is to hold the device's number once it is live; the file to
     *     serve; {@link Data}; {@link Recovery}; the number of the device to recover, or -1
     */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        Path announcement = Path.of(arguments[0]);
        Path file = Path.of(arguments[1]);
        Data data = Data.valueOf(arguments[2]);
        Recovery recovery = Recovery.valueOf(arguments[3]);
        int number = Integer.parseInt(arguments[4]);
        KernelDriver driver = KernelDriver.open();
        Target target = new FileTarget(BackingFile.open(file, BackingFile.Caching.DIRECT, false));
        Device device =
                number == NEW
                        ? Device.start(driver, target, options(data, recovery))
                        : Device.recover(driver, number, target, Inheritance.none());
        ServerProcess.announce(device, announcement);
        device.awaitStop();
    }

    private static DeviceOptions options(Data data, Recovery recovery) {
        DeviceOptions options = DeviceOptions.defaults().with(recovery);
        for (Feature feature : data.features) {
            options = options.with(feature);
        }
        return options;
    }

    /** {@return a server of a new device} */
    static Process add(Path announcement, Path output, Path file, Data data, Recovery recovery)
            throws IOException {
        return start(announcement, output, file, data, recovery, NEW);
    }

    /** {@return a server of a device whose former server has been killed} */
    static Process recover(
            Path announcement, Path output, Path file, Data data, Recovery recovery, int number)
            throws IOException {
        return start(announcement, output, file, data, recovery, number);
    }

    private static Process start(
            Path announcement, Path output, Path file, Data data, Recovery recovery, int number)
            throws IOException {
        return ServerProcess.start(
                CrashServer.class,
                announcement,
                output,
                file.toString(),
                data.name(),
                recovery.name(),
                Integer.toString(number));
    }
}
