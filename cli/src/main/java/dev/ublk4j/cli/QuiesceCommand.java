package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Failure;
import dev.ublk4j.cli.serve.RunFolders;
import dev.ublk4j.cli.serve.ServedDevice;
import dev.ublk4j.cli.serve.ServedName;
import dev.ublk4j.driver.MissingFeatureException;
import dev.ublk4j.driver.control.Control;
import dev.ublk4j.kernel.KernelDriver;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.uapi.DeviceInfo;
import dev.ublk4j.uapi.DeviceState;
import java.time.Duration;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code ublk4j quiesce}. */
@Command(
        name = "quiesce",
        description = "End the server of a device but keep the device, for 'ublk4j recover'.",
        footer = {
            "",
            "The device must have been added with --recovery. The server completes the"
                    + " requests it holds and ends. Later requests wait, or fail with --recovery"
                    + " fail."
        })
final class QuiesceCommand implements Callable<Integer> {
    /** How long the driver may wait for a tag that is idle. */
    private static final Duration IDLE_PATIENCE = Duration.ofSeconds(10);

    /** How long the server may take to answer its requests and end. */
    private static final Duration SERVER_PATIENCE = Duration.ofSeconds(40);

    @Mixin private final DeviceNumber device = new DeviceNumber();

    private final RunFolders folders = RunFolders.ofUser();

    private static String notServed(DeviceInfo device) {
        boolean waits =
                device.state() == DeviceState.UBLK_S_DEV_QUIESCED
                        || device.state() == DeviceState.UBLK_S_DEV_FAIL_IO;
        return (waits
                        ? "device %d has no server already; 'ublk4j recover %<d' gives it one"
                        : "device %d is not served by ublk4j")
                .formatted(device.deviceId());
    }

    @Override
    public Integer call() throws InterruptedException {
        int number = device.number();
        DriverModule.check();
        ServedDevice served = folders.readOrNull(number);
        try (KernelDriver driver = KernelDriver.open()) {
            Control control = new Control(driver);
            if (served == null || !served.server().isAlive()) {
                String refusal = folders.refusalOrNull(ServedName.device(number));
                throw new Failure(refusal == null ? notServed(control.info(number)) : refusal);
            }
            control.quiesce(number, IDLE_PATIENCE);
        } catch (MissingFeatureException e) {
            throw e;
        } catch (LinuxException e) {
            if (e.errno() == Errno.EOPNOTSUPP) {
                throw new Failure("device %d was added without --recovery".formatted(number), e);
            }
            throw e;
        }
        if (!served.server().awaitEnd(SERVER_PATIENCE)) {
            throw new Failure(
                    "device %d is quiesced, but its server, process %d, is still running"
                            .formatted(number, served.server().pid()));
        }
        return 0;
    }
}
