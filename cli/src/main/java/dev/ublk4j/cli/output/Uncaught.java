package dev.ublk4j.cli.output;

import java.lang.System.Logger.Level;

/** Logs what ended a thread, as everything else is logged that fails. */
public final class Uncaught implements Thread.UncaughtExceptionHandler {
    /** Makes a handler. */
    public Uncaught() {}

    @Override
    public void uncaughtException(Thread thread, Throwable failure) {
        try {
            System.getLogger(Uncaught.class.getName())
                    .log(
                            Level.ERROR,
                            () -> "thread %s has ended".formatted(thread.getName()),
                            failure);
        } catch (Throwable e) {
            // As without memory, when the log throws as the thread did.
            System.err.println("ublk4j: a thread has ended: ".concat(failure.getClass().getName()));
        }
    }
}
