package dev.ublk4j.cli;

import dev.ublk4j.cli.serve.SharingPlan;
import dev.ublk4j.handover.Exchange;
import dev.ublk4j.sharing.Limits;
import dev.ublk4j.sharing.SharingOptions;
import dev.ublk4j.sharing.adopt.AdoptionRule;
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
                    "Let applications share memory with the device over /run/ublk/ublkbN.sock, or"
                            + " $XDG_RUNTIME_DIR/ublk/ublkbN.sock of a user who cannot write there,"
                            + " for zero copy.")
    private boolean shared;

    @Option(
            names = "--shmem-file",
            scope = ScopeType.INHERIT,
            paramLabel = "FILE",
            description =
                    "Share a file on hugetlbfs or tmpfs that applications map. May be repeated."
                            + " Whoever can write to the file must be trusted not to truncate it.")
    private List<Path> files = new ArrayList<>();

    @Option(
            names = "--shmem-read-only",
            scope = ScopeType.INHERIT,
            description = "Share these files read-only: only writes to the device use them.")
    private boolean readOnly;

    @Option(
            names = "--shmem-user",
            scope = ScopeType.INHERIT,
            paramLabel = "USER",
            converter = UserNumber.class,
            description =
                    "A user, by name or number, who may share memory besides root and the owner"
                            + " of the device. May be repeated.")
    private Set<Integer> users = new LinkedHashSet<>();

    @Option(
            names = "--shmem-limit",
            scope = ScopeType.INHERIT,
            paramLabel = "SIZE",
            converter = ByteSize.class,
            description =
                    "How much memory may be shared. Default: half of the memory of the machine.")
    private @Nullable Long limit;

    @Option(
            names = "--adopt",
            scope = ScopeType.INHERIT,
            paramLabel = "PROGRAM",
            description =
                    "Share the memory of every process that runs this program, by its name or the"
                            + " path of its executable file, whenever one appears: see 'ublk4j shmem"
                            + " adopt --help'. May be repeated.")
    private Set<String> programs = new LinkedHashSet<>();

    @Option(
            names = "--adopt-cgroup",
            scope = ScopeType.INHERIT,
            paramLabel = "PATH",
            description =
                    "The same for every process in this control group, or of this systemd unit. May"
                            + " be repeated. With --adopt or --adopt-user: processes to which all"
                            + " of these apply.")
    private Set<String> groups = new LinkedHashSet<>();

    @Option(
            names = "--adopt-user",
            scope = ScopeType.INHERIT,
            paramLabel = "USER",
            converter = UserNumber.class,
            description = "The same for every process of this user. May be repeated.")
    private Set<Integer> owners = new LinkedHashSet<>();

    /**
     * {@return how memory is to be shared, null when it is not to be}
     *
     * @throws IllegalArgumentException when the options do not fit together
     */
    @Nullable SharingPlan plan() {
        if (readOnly && files.isEmpty()) {
            throw new IllegalArgumentException("--shmem-read-only needs --shmem-file");
        }
        if (programs.stream().anyMatch(String::isBlank)
                || groups.stream().anyMatch(String::isBlank)) {
            throw new IllegalArgumentException("--adopt and --adopt-cgroup take a name");
        }
        AdoptionRule rule = new AdoptionRule(programs, groups, owners);
        if (!shared && files.isEmpty() && rule.isNone()) {
            if (!users.isEmpty() || limit != null) {
                throw new IllegalArgumentException(
                        "--shmem-user and --shmem-limit need --shmem or --adopt");
            }
            return null;
        }
        Limits limits = Limits.defaults();
        SharingOptions options =
                SharingOptions.defaults()
                        .withFolder(Exchange.ownFolder())
                        .withUsers(users)
                        .withAdoption(rule);
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
        programs.forEach(program -> words.add("--adopt=" + program));
        groups.forEach(group -> words.add("--adopt-cgroup=" + group));
        owners.forEach(owner -> words.add("--adopt-user=" + owner));
        if (limit != null) {
            words.add("--shmem-limit=" + limit);
        }
        return words;
    }
}
