package dev.ublk4j.cli;

import dev.ublk4j.cli.spec.TargetSpec;
import dev.ublk4j.rbd.RbdImageName;
import dev.ublk4j.rbd.RbdOptions;
import dev.ublk4j.rbd.RbdTarget;
import dev.ublk4j.server.Target;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The kind {@code rbd}. */
@Command(
        name = "rbd",
        description = "A device in an image of Ceph RBD, or in a snapshot of one.",
        footer = {
            "",
            "Needs Ceph's library librbd, of the package librbd1.",
            "",
            "Examples:",
            "  ublk4j add rbd rbd/disk",
            "  ublk4j add rbd rbd/disk@monday --id backup",
            "  ublk4j add rbd vms/disk --conf /etc/ceph/other.conf --namespace team-a"
        })
final class RbdKind extends TargetKind {
    @Parameters(
            arity = "1",
            paramLabel = "IMAGE",
            description =
                    "The image: POOL/IMAGE or POOL/NAMESPACE/IMAGE, with @SNAPSHOT for how it was"
                            + " then, read-only.")
    @SuppressWarnings("NullAway.Init") // set by picocli
    private String image;

    @Option(
            names = "--conf",
            paramLabel = "FILE",
            description =
                    "Ceph's configuration. Default: where Ceph looks for it, as"
                            + " /etc/ceph/ceph.conf.")
    private @Nullable Path configuration;

    @Option(
            names = "--id",
            paramLabel = "USER",
            defaultValue = RbdOptions.DEFAULT_USER,
            description = "Ceph's user, without 'client.'. Default: ${DEFAULT-VALUE}.")
    private String user = RbdOptions.DEFAULT_USER;

    @Option(
            names = "--namespace",
            paramLabel = "NAME",
            description = "The namespace of the pool that IMAGE is in.")
    private @Nullable String namespace;

    @Option(
            names = "--shared",
            description =
                    "Let other clients write IMAGE as well, as a file system for clusters does,"
                            + " instead of keeping its lock.")
    private boolean shared;

    @Option(
            names = "--break-lock",
            description =
                    "Take the lock of IMAGE from the client that has it. What that client still has"
                            + " to write is lost.")
    private boolean breakLock;

    @Option(
            names = "--patience",
            paramLabel = "TIME",
            defaultValue = "60s",
            converter = TimeSpan.class,
            description =
                    "How long connecting and opening may take, each. Requests wait for the cluster"
                            + " as long as it takes. Default: ${DEFAULT-VALUE}.")
    private Duration patience = RbdOptions.DEFAULT_PATIENCE;

    private RbdImageName parsed() {
        RbdImageName name = RbdImageName.parse(image);
        return namespace == null ? name : name.in(namespace);
    }

    private @Nullable Path absoluteConfiguration() {
        return configuration == null ? null : configuration.toAbsolutePath().normalize();
    }

    private RbdOptions options() {
        return RbdOptions.defaults()
                .withConfiguration(absoluteConfiguration())
                .withUser(user)
                .withReadOnly(readOnly())
                .withShared(shared)
                .withBreakLock(breakLock)
                .withPatience(patience);
    }

    @Override
    String source() {
        return parsed().toString();
    }

    @Override
    void check() {
        RbdImageName _ = parsed();
        if (patience.compareTo(Duration.ofSeconds(1)) < 0) {
            throw new IllegalArgumentException("--patience is less than a second");
        }
        RbdOptions _ = options();
        if (shared && breakLock) {
            throw new IllegalArgumentException("--shared leaves the lock, --break-lock takes it");
        }
    }

    @Override
    TargetSpec ownSpec() {
        TargetSpec spec = TargetSpec.of(name());
        Path file = absoluteConfiguration();
        spec = file == null ? spec : spec.with("conf", file.toString());
        spec = user.equals(RbdOptions.DEFAULT_USER) ? spec : spec.with("id", user);
        spec = shared ? spec.with("shared") : spec;
        if (!patience.equals(RbdOptions.DEFAULT_PATIENCE)) {
            spec = spec.with("patience", patience.toMillis() + "ms");
        }
        // A lock is broken once: by the next server only if it is told to as well.
        return spec.withArgument(parsed().toString());
    }

    @Override
    boolean force() {
        breakLock = true;
        return true;
    }

    @Override
    Target open() {
        return RbdTarget.open(parsed(), options());
    }
}
