package dev.ublk4j.cli;

import dev.ublk4j.cli.serve.Front;
import dev.ublk4j.cli.serve.VhostUserFront;
import dev.ublk4j.vhostuser.VhostUserOptions;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code ublk4j export vhost-user}. */
@Command(
        name = "vhost-user",
        description = "Serve targets as virtio-blk disks of QEMU guests and libblkio applications.",
        synopsisSubcommandLabel = "TARGET",
        subcommandsRepeatable = true,
        commandListHeading = "%nTargets:%n",
        footer = {
            "",
            "A guest's memory has to be shared: -object memory-backend-memfd,share=on. Options of the"
                    + " export go before the first target. Several targets need a --socket each, in"
                    + " their order.",
            "",
            "Examples:",
            "  ublk4j export vhost-user --socket /tmp/disk.sock file disk.img",
            "  ublk4j export vhost-user --socket /tmp/a.sock -q 2 memory --size 1G",
            "  ublk4j export vhost-user --socket /tmp/ab.sock mirror a.img b.img --log ab.log"
        },
        subcommands = {
            FileKind.class,
            MemoryKind.class,
            NullKind.class,
            ClassKind.class,
            StripeKind.class,
            MirrorKind.class,
            ConcatKind.class,
            OverlayKind.class,
            DelayKind.class,
            ErrorKind.class
        })
final class ExportVhostUserCommand extends ExportProtocol {
    @Option(
            names = {"-s", "--socket"},
            paramLabel = "PATH",
            description = "Where clients connect; made when serving starts.")
    private List<Path> sockets = new ArrayList<>();

    @Option(
            names = "--serial",
            paramLabel = "TEXT",
            defaultValue = "ublk4j",
            description =
                    "The disk's serial number, at most 20 characters. Default: ${DEFAULT-VALUE}.")
    private String serial = "";

    @Option(
            names = "--sealed-only",
            description = "Refuse memory that a client could take away again while it is in use.")
    private boolean sealedOnly;

    @Option(
            names = "--pin",
            description =
                    "Let io_uring register, and so pin, all memory of a client for I/O to files. Not for"
                            + " a guest with a balloon, which would not get what it has read.")
    private boolean pinned;

    @Option(
            names = "--no-packed",
            description = "Offer split rings alone, for a client whose packed ones do not work.")
    private boolean withoutPacked;

    @Override
    void check(int targets) {
        if (sockets.size() != targets || new HashSet<>(sockets).size() != targets) {
            throw new IllegalArgumentException(
                    "each target needs a socket of its own: --socket PATH, %d in all"
                            .formatted(targets));
        }
        sockets.forEach(this::options);
    }

    private VhostUserOptions options(Path socket) {
        return VhostUserOptions.at(socket)
                .withSerial(serial)
                .withLongestPoll(longestPoll())
                .withSealedOnly(sealedOnly)
                .withPinned(pinned)
                .withPacked(!withoutPacked);
    }

    @Override
    Front front() {
        return new VhostUserFront(sockets.stream().map(this::options).toList());
    }
}
