package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Explanation;
import dev.ublk4j.cli.output.Failure;
import dev.ublk4j.cli.serve.DevicePlan;
import dev.ublk4j.cli.serve.RunFolder;
import dev.ublk4j.cli.serve.RunFolders;
import dev.ublk4j.cli.serve.ServedDevice;
import dev.ublk4j.cli.serve.ServedName;
import dev.ublk4j.driver.control.Control;
import dev.ublk4j.kernel.KernelDriver;
import dev.ublk4j.server.Recovery;
import dev.ublk4j.uapi.DeviceInfo;
import dev.ublk4j.uapi.DeviceState;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code ublk4j recover}. */
@Command(
        name = "recover",
        description = "Serve a device again after its server has died or was quiesced.",
        footer = {
            "",
            "The device must have been added with --recovery. It is served from the same"
                    + " target with the same options. Applications that have it open see a pause,"
                    + " or I/O errors with --recovery fail."
        })
final class RecoverCommand implements Callable<Integer> {
    @Mixin private final DeviceNumber device = new DeviceNumber();

    private int number;

    @Option(
            names = "--force",
            description = {
                "Recover even if the file or block device behind it is now mounted or"
                        + " otherwise in use, or its image of rbd is locked by another client. This"
                        + " can destroy its data."
            })
    private boolean force;

    @Mixin private final RecoverFlags recovery = new RecoverFlags();

    @Mixin private final ServeFlags serving = new ServeFlags();

    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    private final RunFolder folder = RunFolder.ofUser();

    @Override
    public Integer call() throws IOException {
        CommandLine command = spec.commandLine();
        number = device.number();
        DriverModule.check();
        ServedDevice served = served();
        TargetWords.Read words = TargetWords.read(served.words());
        TargetKind kind = words.kind();
        requireOthers(kind);
        // Not kept for another time: the words stay as they are.
        if (force && !kind.force()) {
            throw new Failure("--force applies to files, block devices and images of rbd only");
        }
        DevicePlan plan =
                new DevicePlan(
                        kind.name(),
                        kind.source(),
                        kind.composition(),
                        served.words(),
                        true,
                        driver ->
                                recovery.recover(
                                        driver, number, words::openAgain, words.sharing()));
        serving.serve(plan, command.getOut(), command.getErr());
        return 0;
    }

    private void requireOthers(TargetKind kind) {
        NamedFiles files = new NamedFiles();
        kind.name(files);
        try {
            files.requireNot(number);
        } catch (IllegalArgumentException e) {
            throw new Failure(Explanation.of(e), e);
        }
    }

    /** {@return what the former server left word of, once it is clear that it may be replaced} */
    private ServedDevice served() {
        DeviceInfo info = info();
        if (Recovery.of(info.flags()) == Recovery.NONE) {
            throw new Failure(
                    "device %d was added without --recovery; it can only be deleted"
                            .formatted(number));
        }
        if (info.state() == DeviceState.UBLK_S_DEV_DEAD) {
            throw new Failure("device %d is stopped; it can only be deleted".formatted(number));
        }
        ServedDevice served = folder.readOrNull(number);
        if (served == null || served.words().isEmpty()) {
            String refusal = RunFolders.ofUser().refusalOrNull(ServedName.device(number));
            throw new Failure(
                    refusal == null
                            ? "%s has no record of the target of device %d"
                                    .formatted(folder, number)
                            : refusal);
        }
        if (served.server().isAlive()) {
            throw new Failure(
                    "device %d already has a server, process %d"
                            .formatted(number, served.server().pid()));
        }
        return served;
    }

    private DeviceInfo info() {
        try (KernelDriver driver = KernelDriver.open()) {
            return new Control(driver).info(number);
        }
    }
}
