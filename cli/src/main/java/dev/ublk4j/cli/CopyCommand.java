package dev.ublk4j.cli;

import dev.ublk4j.cli.copy.Copier;
import dev.ublk4j.cli.copy.CopyJournal;
import dev.ublk4j.cli.copy.CopyReport;
import dev.ublk4j.cli.output.Explanation;
import dev.ublk4j.cli.output.StandardOutput;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code ublk4j copy}. */
@Command(
        name = "copy",
        description = "Copy one target to another: what a device would have, all of it.",
        footer = {
            "",
            "Both are written as one word: a file, KIND:ARGUMENT with options behind commas, or"
                    + " KIND(TARGET, TARGET; option=value). The source is only read. The destination"
                    + " has to be there, and at least as large; what it has beyond the size of the"
                    + " source stays. What holds nothing, or is all zero, takes no space there.",
            "",
            "A copy that has ended early, for whatever reason, goes on with --resume if it has a"
                    + " journal. The source must not have changed meanwhile.",
            "",
            "Examples:",
            "  ublk4j copy disk.img 'qcow2:new.qcow2,create=1G' --verify",
            "  ublk4j copy disk.img rbd:rbd/disk",
            "  ublk4j copy qcow2:disk.qcow2 rbd:rbd/disk --journal disk.copy --verify",
            "  ublk4j copy qcow2:disk.qcow2 rbd:rbd/disk --journal disk.copy --resume --verify",
            "  ublk4j copy nbd://server.example.com/disk 'qcow2:new.qcow2,create=10G'"
        })
final class CopyCommand implements Callable<Integer> {
    private static final int MOST_AT_A_TIME = 64;

    /** How long pieces may take that are under way when the process is told to end. */
    private static final long END_SECONDS = 8;

    @Parameters(index = "0", paramLabel = "SOURCE", description = "What is copied.")
    @SuppressWarnings("NullAway.Init") // set by picocli
    private String source;

    @Parameters(index = "1", paramLabel = "DEST", description = "What is written.")
    @SuppressWarnings("NullAway.Init") // set by picocli
    private String destination;

    @Option(
            names = "--parallel",
            paramLabel = "COUNT",
            defaultValue = "8",
            description =
                    "How many pieces of a megabyte are under way at a time, 1 to 64. Default:"
                            + " ${DEFAULT-VALUE}.")
    private int parallel;

    @Option(
            names = "--journal",
            paramLabel = "FILE",
            description =
                    "Keep in FILE how far the copy is, and delete FILE when it has ended well.")
    private @Nullable Path journal;

    @Option(names = "--resume", description = "Go on where the copy was that has this --journal.")
    private boolean resume;

    @Option(
            names = "--verify",
            description = "Read both when all is copied, and fail if they differ.")
    private boolean verify;

    @Option(
            names = "--progress",
            description = "Show a bar even if the standard error is no terminal.")
    private boolean progress;

    @Mixin private final OutputFlags output = new OutputFlags();

    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    private boolean barShown;

    @Override
    public Integer call() throws IOException {
        TargetKind from = read(source);
        TargetKind to = read(destination);
        check(from, to);
        String fromName = from.spec().toString();
        String toName = to.spec().toString();
        try (Copier copier = open(from, to, fromName, toName)) {
            return run(copier, fromName, toName);
        }
    }

    private Copier open(TargetKind from, TargetKind to, String fromName, String toName) {
        try {
            return Copier.of(fromName, from.openShaped(), toName, to::openShaped, parallel);
        } catch (Throwable e) {
            // Nothing has been copied: what was made for it goes.
            from.deleteMade();
            to.deleteMade();
            throw e;
        }
    }

    /** Finds what is wrong with the two, without opening them. */
    void checkTargets() {
        check(read(source), read(destination));
    }

    private TargetKind read(String text) {
        try {
            return TargetWords.readSpec(text);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), Explanation.of(e), e);
        }
    }

    private void check(TargetKind from, TargetKind to) {
        from.makeReadOnly();
        try {
            from.requireNoIntegrity();
            to.requireNoIntegrity();
            if (parallel < 1 || parallel > MOST_AT_A_TIME) {
                throw new IllegalArgumentException(
                        "--parallel is not between 1 and %d: %d"
                                .formatted(MOST_AT_A_TIME, parallel));
            }
            if (resume && journal == null) {
                throw new IllegalArgumentException("--resume needs the --journal of the copy");
            }
            from.checkWholeBesides(to);
            if (from.spec().toString().equals(to.spec().toString()) && from.keepsData()) {
                throw new IllegalArgumentException("SOURCE and DEST are the same: " + from.spec());
            }
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), Explanation.of(e), e);
        }
    }

    private int run(Copier copier, String fromName, String toName) throws IOException {
        CountDownLatch ended = new CountDownLatch(1);
        Thread onEnd = new Thread(() -> cancel(copier, ended), "copy-end");
        Runtime.getRuntime().addShutdownHook(onEnd);
        try {
            CopyJournal kept = journal == null ? null : new CopyJournal(journal);
            Copier.Progress done = copier.copy(kept, resume, this::tell);
            if (done.done() < done.size()) {
                endBar();
                say(
                        "interrupted at %s of %s%s"
                                .formatted(
                                        CopyReport.bytes(done.done()),
                                        CopyReport.bytes(done.size()),
                                        kept == null ? "" : "; --resume goes on"));
                return Main.FAILED;
            }
            if (verify) {
                Copier.Progress compared = copier.verify(this::tell);
                if (compared.done() < compared.size()) {
                    endBar();
                    say(
                            "all is copied, and interrupted when %s of %s were verified"
                                    .formatted(
                                            CopyReport.bytes(compared.done()),
                                            CopyReport.bytes(compared.size())));
                    return Main.FAILED;
                }
            }
            endBar();
            PrintWriter out = output.out();
            if (output.json()) {
                CopyReport.end(out, verify);
            } else {
                out.printf(
                        "%s is copied to %s: %s, of which %s were written as data%s%n",
                        fromName,
                        toName,
                        CopyReport.bytes(done.size()),
                        CopyReport.bytes(done.data()),
                        verify ? "; verified" : "");
            }
            out.flush();
            return 0;
        } finally {
            endBar();
            ended.countDown();
            forget(onEnd);
        }
    }

    private static void forget(Thread hook) {
        try {
            boolean _ = Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            // The process ends already: it is what this waits for no more.
            System.getLogger(CopyCommand.class.getName())
                    .log(System.Logger.Level.DEBUG, "ends while the process does", e);
        }
    }

    /** Leaves the journal as far as the copy is, when the process is told to end. */
    private static void cancel(Copier copier, CountDownLatch ended) {
        copier.cancel();
        try {
            boolean _ = ended.await(END_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void tell(Copier.Progress now) {
        if (output.json()) {
            PrintWriter out = output.out();
            out.println(CopyReport.json(now));
            out.flush();
        } else if (progress || StandardOutput.isErrorTerminal()) {
            // Blanks behind it cover a longer line before it.
            output.err().print("\r" + CopyReport.bar(now) + "    ");
            output.err().flush();
            barShown = true;
        }
    }

    private void endBar() {
        if (barShown) {
            output.err().println();
            output.err().flush();
            barShown = false;
        }
    }

    private void say(String text) {
        output.err().println("ublk4j: " + text);
        output.err().flush();
    }
}
