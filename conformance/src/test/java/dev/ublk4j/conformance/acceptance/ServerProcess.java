package dev.ublk4j.conformance.acceptance;

import dev.ublk4j.conformance.lane.Pause;
import dev.ublk4j.kernel.KernelDriver;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.targets.MemoryTarget;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A server in a process of its own, which tests may kill. */
final class ServerProcess {
    private ServerProcess() {}

    /**
     * Serves a memory disk until it is told to stop.
     *
     * @param arguments a file that is to hold the device's number once it is live
     */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        KernelDriver driver = KernelDriver.open();
        Device device = Device.start(driver, new MemoryTarget(64L << 20), DeviceOptions.defaults());
        Runtime.getRuntime()
                .addShutdownHook(
                        Thread.ofPlatform()
                                .unstarted(() -> {
                                    device.close();
                                    driver.close();
                                }));
        announce(device, Path.of(arguments[0]));
        device.awaitStop();
    }

    /** Tells who has started this process of a device. */
    static void announce(Device device, Path announcement) throws IOException {
        Path draft = announcement.resolveSibling("draft");
        Files.writeString(draft, Integer.toString(device.id()));
        Files.move(draft, announcement);
    }

    /** {@return a started server} */
    static Process start(Path announcement, Path output) throws IOException {
        return start(ServerProcess.class, announcement, output);
    }

    /**
     * {@return a started server}
     *
     * @param main its class, whose first argument is where it announces its device
     * @param more its other arguments
     */
    static Process start(Class<?> main, Path announcement, Path output, String... more)
            throws IOException {
        return start(List.of(), main, announcement, output, more);
    }

    /**
     * {@return a started server}
     *
     * @param options for its JVM
     * @param main its class, whose first argument is where it announces its device
     * @param more its other arguments
     */
    static Process start(
            List<String> options, Class<?> main, Path announcement, Path output, String... more)
            throws IOException {
        return start(List.of(), options, main, announcement, output, more);
    }

    /**
     * {@return a started server of a user without privileges}
     *
     * @param uid the number of the user, and of the group
     * @param main its class, whose first argument is where it announces its device
     */
    static Process startAs(int uid, Class<?> main, Path announcement, Path output)
            throws IOException {
        List<String> asUser =
                List.of("setpriv", "--reuid=" + uid, "--regid=" + uid, "--clear-groups");
        return start(asUser, List.of(), main, announcement, output);
    }

    private static Process start(
            List<String> before,
            List<String> options,
            Class<?> main,
            Path announcement,
            Path output,
            String... more)
            throws IOException {
        List<String> command = new ArrayList<>(before);
        command.add(ProcessHandle.current().info().command().orElseThrow());
        command.addAll(options);
        command.addAll(
                List.of(
                        "-XX:+UseSerialGC",
                        "-XX:TieredStopAtLevel=1",
                        "--enable-native-access=ALL-UNNAMED",
                        "-cp",
                        System.getProperty("java.class.path"),
                        main.getName(),
                        announcement.toString()));
        command.addAll(List.of(more));
        Process process =
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(output.toFile())
                        .start();
        try {
            Pause.until(
                    "the server is live", () -> Files.exists(announcement) || !process.isAlive());
        } catch (AssertionError e) {
            throw new AssertionError(e.getMessage() + "\n" + threadsOf(process, output), e);
        }
        if (!process.isAlive()) {
            throw new AssertionError(Files.readString(output));
        }
        return process;
    }

    /** {@return what a server has printed, its threads at last} */
    private static String threadsOf(Process server, Path output) throws IOException {
        Shell.run("kill -QUIT %d; sleep 5".formatted(server.pid()));
        server.destroyForcibly();
        return Files.readString(output);
    }
}
