package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Failure;
import dev.ublk4j.cli.output.Table;
import dev.ublk4j.cli.output.Visible;
import dev.ublk4j.cli.serve.AdoptionAnswer;
import dev.ublk4j.cli.serve.RunFolders;
import dev.ublk4j.cli.serve.ServedName;
import dev.ublk4j.sharing.adopt.AdoptionReport.AdoptedBuffer;
import dev.ublk4j.sharing.adopt.Candidate;
import dev.ublk4j.sharing.adopt.Candidate.Verdict;
import dev.ublk4j.sharing.adopt.Choice;
import java.io.PrintWriter;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** {@code ublk4j shmem adopt}. */
@Command(
        name = "adopt",
        description = "Share the memory of a process that knows nothing of it.",
        footer = {
            "",
            "The server of the device maps what the process has mapped shared (MAP_SHARED: anonymous memory, a memfd, System V"
                    + " segments, files on tmpfs or hugetlbfs), and registers it. From then on"
                    + " O_DIRECT requests in that memory are not copied. All pages of the memory"
                    + " are pinned; those that have not been touched come into being. When no"
                    + " process has the memory any more, it is given back. --shmem-limit of add"
                    + " says how much may be shared. 64 mappings are adopted at once.",
            "",
            "The server must be allowed to trace the process (ptrace), and needs root,"
                    + " CAP_CHECKPOINT_RESTORE or CAP_SYS_ADMIN unless the process still has the"
                    + " file of the memory open. PID is the process as the server sees it.",
            "",
            "Examples:",
            "  ublk4j shmem adopt 0 --pid 1234 --dry-run",
            "  ublk4j shmem adopt 0 --pid 1234",
            "  ublk4j shmem adopt 0 --pid 1234 --mapping 7f3a00000000"
        })
final class ShmemAdoptCommand implements Callable<Integer> {
    private static final String[] HEADINGS = {
        "START", "SIZE", "RESIDENT", "PAGES", "KIND", "PROCESSES", "ADOPT", "NAME"
    };

    @Mixin private final DeviceNumber device = new DeviceNumber();

    @Option(
            names = {"-p", "--pid"},
            required = true,
            paramLabel = "PID",
            description = "The process.")
    private int pid;

    @Option(
            names = "--mapping",
            paramLabel = "START",
            converter = Address.class,
            description =
                    "Only the mapping that begins at this address, in hexadecimal as --dry-run and"
                            + " /proc/PID/maps print it. May be repeated.")
    private Set<Long> starts = new LinkedHashSet<>();

    @Option(
            names = {"-a", "--all"},
            description = "Also mappings of less than 1 MiB.")
    private boolean all;

    @Option(
            names = "--dry-run",
            description =
                    "Change nothing. Print the shared mappings of the process, and the large private"
                            + " ones, and what would become of each.")
    private boolean dryRun;

    @Mixin private final OutputFlags output = new OutputFlags();

    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    private final RunFolders folders = RunFolders.ofUser();

    /** Reads an address, in hexadecimal. */
    static final class Address implements ITypeConverter<Long> {
        /** Creates the converter; picocli does so. */
        Address() {}

        @Override
        public Long convert(String text) {
            try {
                return Long.parseUnsignedLong(text.replaceFirst("^0[xX]", ""), 16);
            } catch (NumberFormatException e) {
                throw new TypeConversionException(
                        "'%s' is not an address in hexadecimal".formatted(text));
            }
        }
    }

    @Override
    public Integer call() {
        int number = device.number();
        if (pid <= 0) {
            throw new ParameterException(spec.commandLine(), "--pid takes a process: " + pid);
        }
        DriverModule.check();
        Choice choice = starts.isEmpty() ? new Choice(all, Set.of()) : Choice.at(starts);
        AdoptionAnswer answer =
                folders.client(ServedName.device(number)).adopt(pid, choice, dryRun);
        boolean isNothing =
                dryRun
                        ? !starts.isEmpty() && answer.mappings() == 0
                        : answer.buffers() == 0 && answer.report().known() == 0;
        if (isNothing) {
            throw new Failure(nothing(answer));
        }
        output.print(answer::write, out -> print(answer, out));
        answer.report().complaints().forEach(complaint -> warn(complaint));
        return answer.report().complaints().isEmpty() ? 0 : Main.FAILED;
    }

    private void warn(String complaint) {
        output.err().println("ublk4j: " + Visible.of(complaint));
        output.err().flush();
    }

    private String nothing(AdoptionAnswer answer) {
        String process = "process %d (%s)".formatted(pid, answer.report().program());
        if (!answer.report().complaints().isEmpty()) {
            return "nothing of %s has been adopted: %s"
                    .formatted(process, answer.report().complaints().getFirst());
        }
        return answer.report().candidates().stream()
                .findFirst()
                .map(largest ->
                        "%s has nothing to adopt; its largest mapping, %x of %s: %s"
                                .formatted(
                                        process,
                                        largest.start(),
                                        ByteSize.format(largest.length()),
                                        largest.reason()))
                .orElse(
                        starts.isEmpty()
                                ? process + " has nothing to adopt: it has no shared memory"
                                : process + " has no mapping that begins there");
    }

    private void print(AdoptionAnswer answer, PrintWriter out) {
        if (dryRun) {
            table(answer, out);
            return;
        }
        for (AdoptedBuffer buffer : answer.report().buffers()) {
            out.printf(
                    "buffer %d: %s of %s, %d pages of %s%s%n",
                    buffer.index(),
                    ByteSize.format(buffer.length()),
                    Visible.of(buffer.name()),
                    buffer.length() / buffer.pageSize(),
                    ByteSize.format(buffer.pageSize()),
                    buffer.readOnly() ? ", for writes to the device alone" : "");
        }
        int more = answer.buffers() - answer.report().buffers().size();
        if (more > 0) {
            out.printf("and %d more buffers, %s in all%n", more, ByteSize.format(answer.bytes()));
        }
        if (answer.report().known() > 0) {
            out.printf("%s were adopted before%n", ByteSize.format(answer.report().known()));
        }
    }

    private static void table(AdoptionAnswer answer, PrintWriter out) {
        Table table = new Table(HEADINGS);
        for (Candidate mapping : answer.report().candidates()) {
            table.row(
                    Long.toHexString(mapping.start()),
                    ByteSize.format(mapping.length()),
                    ByteSize.format(mapping.resident()),
                    mapping.pageSize() == 0 ? "-" : ByteSize.format(mapping.pageSize()),
                    mapping.kind(),
                    mapping.verdict() == Verdict.ADOPT
                            ? Integer.toString(mapping.others().size() + 1)
                            : "-",
                    mapping.verdict() == Verdict.ADOPT ? "yes" : "no, " + mapping.reason(),
                    mapping.name().isEmpty() ? "-" : mapping.name());
        }
        table.print(out);
        int more = answer.mappings() - answer.report().candidates().size();
        if (more > 0) {
            out.printf("and %d smaller mappings%n", more);
        }
    }
}
