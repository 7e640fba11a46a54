package dev.ublk4j.cli;

import dev.ublk4j.cli.serve.SharingPlan;
import dev.ublk4j.sharing.Limits;
import dev.ublk4j.sharing.SharingOptions;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/** The options of every {@code add} that are about shared memory. */
@Command
final class SharingFlags {
    @Option(
            names = "--shmem",
            scope = ScopeType.INHERIT,
            description =
                    "Let applications share their memory with the device, at"
                            + " /run/ublk/ublkbN.sock: no copies.")
    private boolean shared;

    @Option(
            names = "--shmem-file",
            scope = ScopeType.INHERIT,
            paramLabel = "FILE",
            description =
                    "Share a file of hugetlbfs or tmpfs that applications map; may be given"
                            + " again. Who can write to it must be trusted not to cut it off.")
    private List<Path> files = new ArrayList<>();

    @Option(
            names = "--shmem-read-only",
            scope = ScopeType.INHERIT,
            description = "Share the files for writes to the device alone.")
    private boolean readOnly;

    @Option(
            names = "--shmem-user",
            scope = ScopeType.INHERIT,
            paramLabel = "USER",
            converter = UserNumber.class,
            description =
                    "Who may share memory beside root and the device's owner, by name or number;"
                            + " may be given again.")
    private Set<Integer> users = new LinkedHashSet<>();

    @Option(
            names = "--shmem-limit",
            scope = ScopeType.INHERIT,
            paramLabel = "SIZE",
            converter = ByteSize.class,
            description = "How much memory may be shared. Default: half of the machine's.")
    private @Nullable Long limit;

    /**
     * {@return how memory is to be shared, null when it is not to be}
     *
     * @throws IllegalArgumentException when the options do not fit together
     */
    @Nullable SharingPlan plan() {
        if (readOnly && files.isEmpty()) {
            throw new IllegalArgumentException("--shmem-read-only is about --shmem-file");
        }
        if (!shared && files.isEmpty()) {
            if (!users.isEmpty() || limit != null) {
                throw new IllegalArgumentException(
                        "--shmem-user and --shmem-limit are about --shmem");
            }
            return null;
        }
        Limits limits = Limits.defaults();
        SharingOptions options = SharingOptions.defaults().withUsers(users);
        if (limit != null) {
            options = options.withLimits(limits.withBytes(limit, limit));
        }
        return new SharingPlan(options, files, readOnly);
    }

    /** {@return the options that say the same, from any folder} */
    List<String> words() {
        List<String> words = new ArrayList<>();
        if (shared) {
            words.add("--shmem");
        }
        files.forEach(file -> words.add("--shmem-file=" + file.toAbsolutePath().normalize()));
        if (readOnly) {
            words.add("--shmem-read-only");
        }
        users.forEach(user -> words.add("--shmem-user=" + user));
        if (limit != null) {
            words.add("--shmem-limit=" + limit);
        }
        return words;
    }
}
