package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Failure;
import dev.ublk4j.cli.spec.TargetSpec;
import dev.ublk4j.layers.DiskFault;
import dev.ublk4j.layers.FaultInjector;
import dev.ublk4j.layers.FaultInjector.Injected;
import dev.ublk4j.server.Target;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** The kind {@code fault}. */
@Command(
        name = "fault",
        description = "Another target that does on command what a broken disk does.",
        footer = {
            "",
            "One of the options says what goes wrong; without any, nothing does until"
                    + " 'ublk4j fault N' says so. Several faults are several layers.",
            "",
            "A request is struck when it is one of the operations and touches the range. Of those"
                    + " --after are left alone, and of the others one of --every is struck, by"
                    + " --probability, until --next have been.",
            "",
            "Examples:",
            "  ublk4j add fault file disk.img",
            "  ublk4j add fault disk.img --error ENOSPC --op write --from 512K --every 100",
            "  ublk4j add file disk.img --layer fault,delay=5ms,op=read --layer fault,lost,op=flush",
            "  ublk4j add file disk.img --layer fault,delay=p50:200us/p99:5ms/max:40ms"
        })
final class FaultKind extends FilterKind {
    @Option(
            names = "--error",
            paramLabel = "ERRNO",
            description = "Requests fail with this errno, such as EIO.")
    private @Nullable String error;

    @Option(
            names = "--delay",
            paramLabel = "TIME",
            description =
                    "Requests wait: a time such as 5ms, or times by percentiles, such as"
                            + " p50:200us/p99:5ms/max:40ms.")
    private @Nullable String delay;

    @Option(names = "--hang", description = "Requests wait until 'ublk4j fault N release'.")
    private boolean hang;

    @Option(
            names = "--torn",
            paramLabel = "BYTES",
            description =
                    "Writes are answered as done, and only their first part is stored, in units of so"
                            + " many bytes, such as 512.")
    private @Nullable String torn;

    @Option(
            names = "--lost",
            description =
                    "Writes are answered as done, and not stored. With --op flush: a flush that"
                            + " lies.")
    private boolean lost;

    @Option(
            names = "--misdirected",
            paramLabel = "BYTES",
            description = "Writes go to another place: so many bytes behind, or 'anywhere'.")
    private @Nullable String misdirected;

    @Option(
            names = "--rot",
            description = "One bit of what is read is wrong. With --op write: of what is stored.")
    private boolean rot;

    @Option(
            names = "--full",
            paramLabel = "BYTES",
            description = "Writes fail with ENOSPC when so much has been written; 0 is at once.")
    private @Nullable String full;

    @Option(
            names = "--write-protect",
            description = "Changes fail with EROFS, which Linux tells as EIO.")
    private boolean writeProtect;

    @Option(
            names = "--op",
            paramLabel = "OPERATION",
            description =
                    "Which are struck: read, write, flush, discard, write-zeroes. May be repeated."
                            + " Default: all; those that change data where only they can be; reads"
                            + " for --rot.")
    private List<String> operations = new ArrayList<>();

    @Option(names = "--from", paramLabel = "BYTES", description = "Where the range begins.")
    private @Nullable String from;

    @Option(names = "--to", paramLabel = "BYTES", description = "The byte behind the range.")
    private @Nullable String to;

    @Option(
            names = "--after",
            paramLabel = "COUNT",
            description = "Leave so many requests alone first.")
    private @Nullable String after;

    @Option(
            names = "--next",
            paramLabel = "COUNT",
            description = "End when so many requests have been struck.")
    private @Nullable String next;

    @Option(names = "--every", paramLabel = "COUNT", description = "Strike one of so many.")
    private @Nullable String every;

    @Option(
            names = "--probability",
            paramLabel = "SHARE",
            description = "Strike this share of the requests, such as 0.01.")
    private @Nullable String probability;

    @Option(
            names = "--seed",
            paramLabel = "NUMBER",
            description = "Chooses what is random. Default: 1.")
    private @Nullable String seed;

    @Option(
            names = "--replica",
            paramLabel = "NUMBER/COUNT",
            description =
                    "Which of several copies of the data this is, such as 1/3: of each chunk some"
                            + " copies are left alone.")
    private @Nullable String replica;

    @Option(
            names = "--keep",
            paramLabel = "COUNT",
            description = "How many copies of a chunk are left alone. Default: 1.")
    private @Nullable String keep;

    @Option(names = "--chunk", paramLabel = "BYTES", description = "The chunk. Default: 1M.")
    private @Nullable String chunk;

    @Option(
            names = "--atlas-seed",
            paramLabel = "NUMBER",
            description = "Chooses which copies are left alone. Default: 0.")
    private @Nullable String atlasSeed;

    @Option(
            names = "--protect",
            paramLabel = "FROM-TO",
            description = "A range that is left alone, such as 0-1M. May be repeated.")
    private List<String> protect = new ArrayList<>();

    /** {@return what the options say, as {@link DiskFault} reads it; empty where they do not} */
    private String text() {
        List<String> words = new ArrayList<>();
        value(words, "error", error);
        value(words, "delay", delay);
        flag(words, "hang", hang);
        value(words, "torn", torn);
        flag(words, "lost", lost);
        value(words, "misdirected", misdirected);
        flag(words, "rot", rot);
        value(words, "full", full);
        flag(words, "write-protect", writeProtect);
        operations.forEach(each -> value(words, "op", each));
        value(words, "from", from);
        value(words, "to", to);
        value(words, "after", after);
        value(words, "next", next);
        value(words, "every", every);
        value(words, "probability", probability);
        value(words, "seed", seed);
        value(words, "replica", replica);
        value(words, "keep", keep);
        value(words, "chunk", chunk);
        value(words, "atlas-seed", atlasSeed);
        protect.forEach(each -> value(words, "protect", each));
        return String.join(",", words);
    }

    private static void value(List<String> words, String name, @Nullable String value) {
        if (value != null) {
            words.add(value.isEmpty() ? name : name + "=" + value);
        }
    }

    private static void flag(List<String> words, String name, boolean isGiven) {
        if (isGiven) {
            words.add(name);
        }
    }

    /** {@return the fault that the options describe, null where they describe none} */
    private @Nullable DiskFault fault() {
        String text = text();
        return text.isEmpty() ? null : DiskFault.parse(text);
    }

    @Override
    void checkOptions() {
        DiskFault _ = fault();
    }

    @Override
    TargetSpec options(TargetSpec spec) {
        DiskFault fault = fault();
        TargetSpec told = spec;
        for (String word : fault == null ? new String[0] : fault.toString().split(",", -1)) {
            int equals = word.indexOf('=');
            told =
                    equals < 0
                            ? told.with(word)
                            : told.with(word.substring(0, equals), word.substring(equals + 1));
        }
        return told;
    }

    @Override
    Target over(Target below) {
        DiskFault fault = fault();
        long size = below.geometry().size();
        if (fault != null && fault.begin() >= size && size > 0) {
            below.close();
            throw new Failure(
                    "no request can be struck from byte %s on: the target has %s"
                            .formatted(ByteSize.exact(fault.begin()), ByteSize.exact(size)));
        }
        FaultInjector injector =
                below instanceof FaultInjector same ? same : new FaultInjector(below);
        if (fault != null) {
            Injected _ = injector.inject(fault);
        }
        return injector;
    }
}
