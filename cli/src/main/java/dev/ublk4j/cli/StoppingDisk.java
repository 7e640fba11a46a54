package dev.ublk4j.cli;

import dev.ublk4j.cli.output.Failure;
import dev.ublk4j.kernel.KernelDriver;
import dev.ublk4j.linux.Deadline;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * A disk that the driver is stopping. The kernel first writes what programs have left in its page
 * cache: that takes as long as the target needs for it, and says nothing against the target as long
 * as the disk gets on with it.
 */
final class StoppingDisk {
    /** What goes on and on writing is not waited for any longer. */
    private static final Duration LONGEST = Duration.ofMinutes(5);

    private static final long GONE = -1;

    /** Of /sys/block/DISK/stat: how many writes, discards and flushes are complete. */
    private static final int[] WRITES = {4, 11, 15};

    private final Path statistics;
    private final Duration patience;
    private long written;

    /**
     * Begins to look at a disk.
     *
     * @param patience how long it may write nothing
     */
    StoppingDisk(int number, Duration patience) {
        this(
                Path.of("/sys/block")
                        .resolve(KernelDriver.blockPath(number).getFileName())
                        .resolve("stat"),
                patience);
    }

    StoppingDisk(Path statistics, Duration patience) {
        this.statistics = statistics;
        this.patience = patience;
        this.written = written();
    }

    /**
     * Waits for the outcome as long as the disk gets on, from when this was made.
     *
     * @return whether there is an outcome
     */
    boolean await(CompletionStage<Integer> outcome) {
        Deadline longest = Deadline.in(LONGEST);
        while (getsOn() && !longest.isOver()) {
            try {
                int _ =
                        outcome.toCompletableFuture()
                                .get(patience.toMillis(), TimeUnit.MILLISECONDS);
                return true;
            } catch (ExecutionException e) {
                return true; // an outcome, too
            } catch (TimeoutException e) {
                // The disk is looked at again.
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new Failure("interrupted while a device is stopped", e);
            }
        }
        return false;
    }

    /** A disk that is not there any more has got on as well, once. */
    private boolean getsOn() {
        long before = written;
        written = written();
        return written != before;
    }

    private long written() {
        try {
            String[] fields = Files.readString(statistics).strip().split("\\s+", -1);
            long sum = 0;
            for (int field : WRITES) {
                sum += field < fields.length ? Long.parseLong(fields[field]) : 0;
            }
            return sum;
        } catch (IOException e) {
            return GONE;
        }
    }
}
