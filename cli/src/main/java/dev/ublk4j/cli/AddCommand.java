package dev.ublk4j.cli;

import dev.ublk4j.cli.doctor.CrashGuard;
import dev.ublk4j.cli.doctor.KernelIdentity;
import dev.ublk4j.cli.output.Failure;
import dev.ublk4j.cli.serve.DevicePlan;
import dev.ublk4j.cli.serve.LiveDevice;
import dev.ublk4j.cli.serve.ProcessIdentity;
import dev.ublk4j.cli.serve.RunFolder;
import dev.ublk4j.cli.serve.ServedDevice;
import dev.ublk4j.cli.serve.SharingPlan;
import dev.ublk4j.driver.Driver;
import dev.ublk4j.driver.control.Control;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.LinuxException;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.server.Recovery;
import dev.ublk4j.uapi.DeviceInfo;
import dev.ublk4j.uapi.DeviceState;
import dev.ublk4j.uapi.Feature;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** {@code ublk4j add}: a sub-command for each kind of target. */
@Command(
        name = "add",
        description = "Add a block device and serve it.",
        synopsisSubcommandLabel = "TARGET",
        commandListHeading = "%nTargets:%n",
        footer = {
            "",
            "A background process serves the device until 'ublk4j del N' or SIGTERM.",
            "",
            TargetKind.COMPOSING,
            "",
            "Examples:",
            "  ublk4j add file disk.img",
            "  ublk4j add memory --size 1G -n 5",
            "  ublk4j add file disk.img --recovery reissue",
            "  ublk4j add memory 64M --mode copy,batch",
            "  ublk4j add null --queues 2 --foreground",
            "  ublk4j add mirror a.img b.img --log ab.log",
            "  ublk4j add stripe 'mirror(a.img, b.img; log=ab.log)' 'mirror(c.img, d.img; log=cd.log)'",
            "  ublk4j add overlay a.img changes.img --layer fault,delay=5ms",
            "  ublk4j add file disk.img --unprivileged"
        })
final class AddCommand extends TargetHost implements Runnable {
    private static final long NOT_UNPRIVILEGED =
            Feature.UBLK_F_USER_COPY
                    | Feature.UBLK_F_SUPPORT_ZERO_COPY
                    | Feature.UBLK_F_AUTO_BUF_REG;

    @Option(
            names = {"-n", "--number"},
            paramLabel = "N",
            scope = ScopeType.INHERIT,
            description = "The device's number, N of /dev/ublkbN. Default: the lowest free one.")
    private int number = -1;

    @Option(
            names = {"-q", "--queues"},
            paramLabel = "COUNT",
            defaultValue = "1",
            scope = ScopeType.INHERIT,
            description =
                    "Number of queues; each has its own thread, unless there are --threads."
                            + " Default: ${DEFAULT-VALUE}.")
    private int queues;

    @Mixin private final QueueFlags flags = new QueueFlags();

    @Mixin private final ShapeFlags shape = new ShapeFlags();

    @Mixin private final ModeFlags mode = new ModeFlags();

    @Option(
            names = "--recovery",
            paramLabel = "KIND",
            scope = ScopeType.INHERIT,
            converter = RecoveryKind.class,
            completionCandidates = RecoveryKind.Names.class,
            description = {
                "Keep the device when its server dies, so that 'ublk4j recover' can serve it"
                        + " again. Until then new requests wait (wait, reissue) or fail (fail);"
                        + " requests that the dead server held fail (wait, fail) or are issued again"
                        + " (reissue)."
            })
    private Recovery recovery = Recovery.NONE;

    @Option(
            names = "--or-recover",
            scope = ScopeType.INHERIT,
            description = {
                "Recover the device if it exists and has no server; add it otherwise. For"
                        + " services that are restarted. Needs --number and --recovery."
            })
    private boolean orRecover;

    @Mixin private final RecoverFlags takingOver = new RecoverFlags();

    @Mixin private final SharingFlags sharing = new SharingFlags();

    @Mixin private final ServeFlags serving = new ServeFlags();

    @Option(
            names = "--unprivileged",
            scope = ScopeType.INHERIT,
            description =
                    "Add a device that belongs to this user, who needs no privilege (Linux 6.3)."
                            + " Root has to have installed the udev rule of ublk4j. Such a device ends"
                            + " with its server, and its data is copied.")
    private boolean unprivileged;

    @Option(
            names = "--no-part-scan",
            scope = ScopeType.INHERIT,
            description =
                    "Do not look for partitions when the device appears; 'blockdev --rereadpt' does"
                            + " so later (Linux 7.0).")
    private boolean noPartScan;

    @Option(
            names = "--io-desc-size",
            paramLabel = "BYTES",
            scope = ScopeType.INHERIT,
            description =
                    "From the descriptor of a request to the next: 24 to 256, a multiple of 8. With 64,"
                            + " threads that share a queue have cache lines of their own (Linux 7.3)."
                            + " Default: 24.")
    private @Nullable Integer descriptorSize;

    @Option(
            names = "--risk-crash",
            scope = ScopeType.INHERIT,
            description = "Add the device even if this kernel is known to crash when one is added.")
    private boolean riskCrash;

    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    @Override
    public void run() {
        throw new ParameterException(
                spec.commandLine(), "no target given; one of: " + Subcommands.names(spec));
    }

    @Override
    int serve(TargetKind kind) throws IOException {
        DevicePlan plan = plan(kind);
        if (!riskCrash) {
            CrashGuard.check(KernelIdentity.running(), "; --risk-crash adds it anyway");
        }
        CommandLine command = spec.commandLine();
        serving.serve(plan, command.getOut(), command.getErr());
        return 0;
    }

    /** {@return what is to be served} */
    DevicePlan plan(TargetKind kind) {
        SharingPlan shared = kind.checked(sharing::plan);
        DeviceOptions options = kind.checked(() -> options(kind, shared != null));
        List<String> words = new ArrayList<>(sharing.words());
        words.addAll(shape.words());
        words.addAll(kind.words());
        return new DevicePlan(
                kind.name(),
                kind.source(),
                kind.composition(),
                words,
                orRecover,
                driver -> start(driver, kind, options, shared));
    }

    private LiveDevice start(
            Driver driver, TargetKind kind, DeviceOptions options, @Nullable SharingPlan shared) {
        if (orRecover && isWaiting(driver)) {
            requireSameData(kind);
            return takingOver.recover(driver, number, () -> shape.over(kind.openAgain()), shared);
        }
        Device device =
                MadeFiles.served(kind, target -> Device.start(driver, shape.over(target), options));
        return shared == null
                ? new LiveDevice(device, null, false)
                : shared.start(device, RunFolder.ofUser());
    }

    /** Other data under a device that is in use is the end of what is on it. */
    private void requireSameData(TargetKind kind) {
        ServedDevice served = RunFolder.ofUser().readOrNull(number);
        if (served != null && !served.isOf(kind.name(), kind.source())) {
            throw new Failure(
                    "device %d was served from %s; to serve it from %s, delete it first"
                            .formatted(
                                    number,
                                    served.origin(),
                                    ServedDevice.origin(kind.name(), kind.source())));
        }
    }

    /** {@return whether the device is there and has no server, or none that is alive} */
    private boolean isWaiting(Driver driver) {
        try {
            DeviceInfo info = new Control(driver).info(number);
            boolean isServed =
                    info.state() == DeviceState.UBLK_S_DEV_LIVE
                            && ProcessIdentity.ofOrNull(info.serverPid()) != null;
            return !isServed && Recovery.of(info.flags()) != Recovery.NONE;
        } catch (LinuxException e) {
            if (e.errno() != Errno.ENODEV) {
                throw e;
            }
            return false;
        }
    }

    private static DeviceOptions unprivileged(DeviceOptions options) {
        if (Recovery.of(options.features()) != Recovery.NONE) {
            throw new IllegalArgumentException(
                    "--unprivileged excludes --recovery: the driver ends such a device with its"
                            + " server");
        }
        if ((options.features() & NOT_UNPRIVILEGED) != 0) {
            throw new IllegalArgumentException(
                    "--unprivileged excludes -u, -z and the modes with user copy or zero copy: the"
                            + " driver copies the data of such a device");
        }
        return options.with(Feature.UNPRIVILEGED_DEV);
    }

    private DeviceOptions options(TargetKind kind, boolean shares) {
        if (number >= 0) {
            NamedFiles files = new NamedFiles();
            kind.nameAll(files);
            files.requireNot(number);
        }
        if (orRecover && (number < 0 || recovery == Recovery.NONE)) {
            throw new IllegalArgumentException("--or-recover needs --number and --recovery");
        }
        if (recovery != Recovery.NONE && !kind.outlivesServer()) {
            throw new IllegalArgumentException(
                    "--recovery does not apply to %s: its data is lost with the server"
                            .formatted(kind.name()));
        }
        shape.check();
        DeviceOptions options =
                mode.choose(flags.options(number, queues))
                        .with(recovery)
                        .withIfAble(Feature.UPDATE_SIZE);
        if (unprivileged) {
            options = unprivileged(options);
        }
        if (noPartScan) {
            options = options.with(Feature.NO_AUTO_PART_SCAN);
        }
        if (descriptorSize != null) {
            if (descriptorSize == 0) {
                // Without the option, and not a size.
                throw new IllegalArgumentException("the size of descriptors is 0");
            }
            options = options.withDescriptorSize(descriptorSize);
        }
        return shares ? options.with(Feature.SHMEM_ZC) : options;
    }
}
