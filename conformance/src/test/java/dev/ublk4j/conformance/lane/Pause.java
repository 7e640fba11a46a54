package dev.ublk4j.conformance.lane;

import java.util.function.BooleanSupplier;

/** Waits for what happens by itself, soon. */
public final class Pause {
    private static final int STEP_MILLIS = 10;
    private static final int STEPS = 10_000;

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
        for (int step = 0; !condition.getAsBoolean(); step++) {
            if (step == STEPS) {
                throw new AssertionError("never happened: " + what);
            }
            briefly();
        }
    }
}
