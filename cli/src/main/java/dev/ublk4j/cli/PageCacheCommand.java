package dev.ublk4j.cli;

import dev.ublk4j.cli.demo.pagecache.PageCacheDemo;
import dev.ublk4j.cli.output.Explanation;
import dev.ublk4j.cli.output.Table;
import dev.ublk4j.client.BlockDevice;
import dev.ublk4j.driver.Driver;
import dev.ublk4j.server.Device;
import dev.ublk4j.server.DeviceOptions;
import dev.ublk4j.targets.MemoryTarget;
import dev.ublk4j.testkit.client.ServedBlockDevice;
import dev.ublk4j.uapi.Feature;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code ublk4j demo pagecache}. */
@Command(
        name = "pagecache",
        description = {
            "Run transactions on the page cache of a small database, with and without" + " copies.",
            "",
            "Pages are read and changed at random, and each one is verified. Without"
                    + " --device they are on a memory device that this process serves."
        })
final class PageCacheCommand implements Callable<Integer> {
    /** Pages on the device for each one in the cache. */
    private static final int PAGES_PER_FRAME = 8;

    @Option(
            names = "--device",
            paramLabel = "PATH",
            description = "A block device, or a file on one; needs --overwrite.")
    private @Nullable Path path;

    @Option(names = "--overwrite", description = "Allow the data on the device to be overwritten.")
    private boolean overwrite;

    @Option(
            names = "--driver",
            defaultValue = "auto",
            converter = DriverChoice.Reader.class,
            description = "Without --device: ${COMPLETION-CANDIDATES}; default: ${DEFAULT-VALUE}.")
    private DriverChoice driver = DriverChoice.AUTO;

    @Option(
            names = "--page",
            paramLabel = "SIZE",
            defaultValue = "16K",
            converter = ByteSize.class,
            description = "Size of a page, a multiple of 4K; default: ${DEFAULT-VALUE}.")
    private long page;

    @Option(
            names = "--frames",
            paramLabel = "COUNT",
            defaultValue = "512",
            description = "Pages that fit into the cache; default: ${DEFAULT-VALUE}.")
    private int frames;

    @Option(
            names = "--transactions",
            paramLabel = "COUNT",
            defaultValue = "20000",
            description = "Transactions of 8 pages per run; default: ${DEFAULT-VALUE}.")
    private int transactions;

    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    @Override
    public Integer call() {
        check("--frames", frames);
        check("--transactions", transactions);
        if (path == null) {
            serveAndRun();
        } else if (overwrite) {
            print(run(BlockDevice.at(path)), path.toString());
        } else {
            throw new ParameterException(
                    spec.commandLine(), "%s would be overwritten: add --overwrite".formatted(path));
        }
        return 0;
    }

    private void check(String option, int count) {
        if (count < 1) {
            throw new ParameterException(
                    spec.commandLine(), "%s is less than 1: %d".formatted(option, count));
        }
    }

    private void serveAndRun() {
        DeviceOptions options =
                DeviceOptions.defaults()
                        .with(Feature.SHMEM_ZC)
                        .withIfAble(Feature.NO_AUTO_PART_SCAN);
        try (Driver chosen = driver.open(spec.commandLine().getErr());
                Device device =
                        Device.start(
                                chosen,
                                new MemoryTarget(page * frames * PAGES_PER_FRAME),
                                options)) {
            print(run(new ServedBlockDevice(chosen, device)), "driver: " + chosen.name());
        }
    }

    private PageCacheDemo.Outcome run(BlockDevice device) {
        return new PageCacheDemo(device, Math.toIntExact(page), frames, transactions).run();
    }

    private void print(PageCacheDemo.Outcome outcome, String where) {
        PrintWriter out = spec.commandLine().getOut();
        Table table = new Table("", "MB/s", "READ", "WRITTEN", "CACHED");
        for (PageCacheDemo.Row row : outcome.rows()) {
            table.row(
                    row.shared() ? "shared" : "copied",
                    String.format(Locale.ROOT, "%.0f", row.bytesPerSecond() / 1e6),
                    Long.toString(row.pagesRead()),
                    Long.toString(row.pagesWritten()),
                    Long.toString(row.hits()));
        }
        table.print(out);
        out.printf("pages of %d KiB, each one verified; %s%n", page >> 10, where);
        if (outcome.refusal() != null) {
            out.println("nothing is shared: " + Explanation.of(outcome.refusal()));
        }
        out.flush();
    }
}
