package dev.ublk4j.cli;

import dev.ublk4j.cli.serve.Front;
import dev.ublk4j.cli.serve.PassedSockets;
import dev.ublk4j.cli.serve.VhostUserFront;
import dev.ublk4j.vhostuser.VhostUserOptions;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code ublk4j export vhost-user}. */
@Command(
        name = "vhost-user",
        description = "Serve targets as virtio-blk disks to QEMU guests and libblkio applications.",
        synopsisSubcommandLabel = "TARGET",
        subcommandsRepeatable = true,
        commandListHeading = "%nTargets:%n",
        footer = {
            "",
            "The memory of a guest must be shared: -object"
                    + " memory-backend-memfd,share=on. Options of the export go before the first"
                    + " target. Several targets need one --socket each, in the same order.",
            "",
            "Examples:",
            "  ublk4j export vhost-user --socket /tmp/disk.sock file disk.img",
            "  ublk4j export vhost-user --socket /tmp/a.sock -q 2 memory --size 1G",
            "  ublk4j export vhost-user --socket /tmp/ab.sock mirror a.img b.img --log ab.log"
        })
final class ExportVhostUserCommand extends ExportProtocol {
    /** Of options whose socket is not used. */
    private static final Path ANY = Path.of("");

    @Option(
            names = {"-s", "--socket"},
            paramLabel = "PATH",
            description = "The UNIX socket that clients connect to.")
    private List<Path> sockets = new ArrayList<>();

    @Option(
            names = "--fd",
            paramLabel = "FD",
            description =
                    "Instead of --socket: a listening UNIX socket that this process was started"
                            + " with, by its number or its name in LISTEN_FDNAMES.")
    private List<String> descriptors = new ArrayList<>();

    @Option(
            names = "--serial",
            paramLabel = "TEXT",
            defaultValue = "ublk4j",
            description =
                    "The serial number of the disk, at most 20 ASCII characters. Default:"
                            + " ${DEFAULT-VALUE}.")
    private String serial = "";

    @Option(
            names = "--sealed-only",
            description = "Refuse memory that cannot be sealed against truncation by the client.")
    private boolean sealedOnly;

    @Option(
            names = "--pin",
            description =
                    "Register all memory of a client with io_uring for I/O to files, which pins"
                            + " it. Not for a guest with a balloon: its reads would be lost.")
    private boolean pinned;

    @Option(
            names = "--no-packed",
            description = "Offer split rings only, for clients whose packed rings do not work.")
    private boolean withoutPacked;

    @Override
    void check(int targets) {
        List<Integer> passed = passed();
        if (!passed.isEmpty()) {
            requireForeground("--fd");
            if (!sockets.isEmpty()) {
                throw new IllegalArgumentException(
                        "--socket excludes sockets that were passed (--fd, LISTEN_FDS)");
            }
        }
        List<?> places = passed.isEmpty() ? sockets : passed;
        if (places.size() != targets || new HashSet<>(places).size() != targets) {
            throw new IllegalArgumentException(
                    "each target needs its own --socket PATH: %d in all".formatted(targets));
        }
        var _ = options(ANY);
    }

    /** {@return the descriptors to listen at; those of a service manager where none is named} */
    private List<Integer> passed() {
        PassedSockets passed = PassedSockets.ofProcess();
        return descriptors.isEmpty()
                ? passed.descriptors()
                : descriptors.stream().map(passed::descriptor).toList();
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
        List<Integer> passed = passed();
        return passed.isEmpty()
                ? new VhostUserFront(sockets.stream().map(this::options).toList(), passed)
                : new VhostUserFront(Collections.nCopies(passed.size(), options(ANY)), passed);
    }
}
