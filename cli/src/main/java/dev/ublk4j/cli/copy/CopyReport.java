package dev.ublk4j.cli.copy;

import dev.ublk4j.cli.output.Json;
import java.io.PrintWriter;

/** Tells how far a copy is: by a bar for a person, or by an object a second for a program. */
public final class CopyReport {
    private static final int WIDTH = 30;
    private static final String DONE = "=".repeat(WIDTH);
    private static final String LEFT = " ".repeat(WIDTH);
    private static final int PERCENT = 100;
    private static final String[] UNITS = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    private static final int STEP = 1024;

    private CopyReport() {}

    /** {@return a line of a bar, with an estimate} */
    public static String bar(Copier.Progress progress) {
        long size = Math.max(1, progress.size());
        int filled = (int) (WIDTH * (double) progress.done() / size);
        return "%s [%s%s] %3d %%  %s of %s, %s/s, %s"
                .formatted(
                        progress.phase(),
                        DONE.substring(WIDTH - filled),
                        LEFT.substring(filled),
                        (long) (PERCENT * (double) progress.done() / size),
                        bytes(progress.done()),
                        bytes(progress.size()),
                        bytes(progress.rate()),
                        left(progress.secondsLeft()));
    }

    private static String left(long seconds) {
        if (seconds < 0) {
            return "no estimate yet";
        }
        return seconds < 60
                ? seconds + " s left"
                : seconds < 3600
                        ? "%d min %d s left".formatted(seconds / 60, seconds % 60)
                        : "%d h %d min left".formatted(seconds / 3600, seconds / 60 % 60);
    }

    /** {@return a number of bytes for a person} */
    public static String bytes(long bytes) {
        double value = bytes;
        int unit = 0;
        while (value >= STEP && unit < UNITS.length - 1) {
            value /= STEP;
            unit++;
        }
        return unit == 0 || value >= 100
                ? "%.0f %s".formatted(value, UNITS[unit])
                : "%.1f %s".formatted(value, UNITS[unit]);
    }

    /** {@return an object about it} */
    public static String json(Copier.Progress progress) {
        return Json.text(json -> {
            json.writeStartObject();
            json.writeStringProperty("phase", progress.phase());
            json.writeNumberProperty("done", progress.done());
            json.writeNumberProperty("size", progress.size());
            json.writeNumberProperty("data", progress.data());
            json.writeNumberProperty("bytes_per_second", progress.rate());
            if (progress.secondsLeft() >= 0) {
                json.writeNumberProperty("seconds_left", progress.secondsLeft());
            }
            json.writeEndObject();
        });
    }

    /** Prints the last object: the copy has ended well. */
    public static void end(PrintWriter out, boolean verified) {
        out.println(
                Json.text(json -> {
                    json.writeStartObject();
                    json.writeStringProperty("phase", "done");
                    json.writeBooleanProperty("verified", verified);
                    json.writeEndObject();
                }));
    }
}
