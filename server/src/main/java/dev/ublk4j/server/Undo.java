package dev.ublk4j.server;

import java.util.ArrayDeque;

/** What must be undone, last first, when a start fails half way. */
final class Undo {
    private final ArrayDeque<Runnable> steps = new ArrayDeque<>();

    void add(Runnable step) {
        steps.push(step);
    }

    /** Forgets the steps so far: one undoes it all. */
    void replace(Runnable step) {
        steps.clear();
        steps.push(step);
    }

    /** Runs every step; what they throw is added to the failure that made it necessary. */
    void run(Throwable failure) {
        for (Runnable step : steps) {
            try {
                step.run();
            } catch (Throwable e) {
                failure.addSuppressed(e);
            }
        }
    }
}
