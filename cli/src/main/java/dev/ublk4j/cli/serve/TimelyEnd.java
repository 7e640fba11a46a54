package dev.ublk4j.cli.serve;

import dev.ublk4j.cli.output.Explanation;
import java.time.Duration;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Has a process that serves end in time when it is told to, whatever its targets do.
 *
 * <p>What it serves is taken down in order on a thread of its own. Where that cannot be done, or
 * takes longer than a few seconds, because a handler never returns, a flush takes an hour or a
 * target hangs in its end, the process ends all the same, with one line and a status that say so.
 * What it leaves open is closed by the kernel, as after a crash: requests fail, or are kept for the
 * next server where the device can be recovered.
 */
final class TimelyEnd {
    /** The exit status of a process that has left something behind. */
    static final int STATUS = 3;

    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private final BooleanSupplier takeDown;
    private final Supplier<String> leftover;
    private volatile boolean done;
    private volatile @Nullable Throwable failure;

    private TimelyEnd(BooleanSupplier takeDown, Supplier<String> leftover) {
        this.takeDown = takeDown;
        this.leftover = leftover;
    }

    /**
     * Takes down on SIGTERM, SIGINT and every other end of the process.
     *
     * @param takeDown answers whether all is in order; does nothing where it has been done already
     * @param leftover what is left behind otherwise, for a person; takes no lock
     */
    static void of(BooleanSupplier takeDown, Supplier<String> leftover) {
        TimelyEnd end = new TimelyEnd(takeDown, leftover);
        Runtime.getRuntime().addShutdownHook(new Thread(end::run, "shutdown"));
    }

    private void run() {
        try {
            Thread thread = new Thread(this::takeDown, "take-down");
            thread.setDaemon(true);
            thread.start();
            boolean _ = thread.join(PATIENCE);
        } catch (Throwable e) {
            // Without a thread there is no order to end in.
            failure = e;
        }
        if (!done) {
            try {
                tell();
            } finally {
                Runtime.getRuntime().halt(STATUS);
            }
        }
    }

    private void takeDown() {
        try {
            done = takeDown.getAsBoolean();
        } catch (Throwable e) {
            failure = e;
        }
    }

    private void tell() {
        Throwable why = failure;
        System.err.println(
                "ublk4j: " + leftover.get() + (why == null ? "" : ": " + Explanation.of(why)));
        System.err.flush();
    }
}
