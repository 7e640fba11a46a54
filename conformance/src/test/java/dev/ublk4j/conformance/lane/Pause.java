package dev.ublk4j.conformance.lane;

import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/** Waits for what happens by itself, soon. */
public final class Pause {
    private static final int STEP_MILLIS = 10;
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(240);

    private Pause() {}

    /** Sleeps a little. */
    public static void briefly() {
        try {
            Thread.sleep(STEP_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted", e);
        }
    }

    /** Waits until a condition holds; fails when it never does. */
    public static void until(String what, BooleanSupplier condition) {
        // In time, as the steps of a busy machine are much longer than they should be, and as long
        // as a test may take before it is interrupted.
        long began = System.nanoTime();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - began > PATIENCE_NANOS) {
                throw new AssertionError("never happened: " + what);
            }
            briefly();
        }
    }
}
