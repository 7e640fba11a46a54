package dev.ublk4j.bench.curve;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Seconds that processors have been busy so far, to a hundredth. */
final class CpuTime {
    /** {@code USER_HZ}: ticks of a second in {@code /proc}. */
    private static final double TICKS_PER_SECOND = 100;

    /** Fields of the first line of {@code /proc/stat}: idle and waiting for I/O is not busy. */
    private static final int IDLE = 4;

    private static final int IO_WAIT = 5;

    /** Before these fields of {@code /proc/PID/stat} is the name, which may have blanks. */
    private static final int USER_AFTER_NAME = 11;

    private static final int SYSTEM_AFTER_NAME = 12;

    private CpuTime() {}

    /** {@return of all processors, whatever they did} */
    static double ofMachine() throws IOException {
        String[] fields =
                Files.readAllLines(Path.of("/proc/stat")).getFirst().trim().split("\\s+", -1);
        long ticks = 0;
        for (int i = 1; i < Math.min(fields.length, 9); i++) {
            if (i != IDLE && i != IO_WAIT) {
                ticks += Long.parseLong(fields[i]);
            }
        }
        return ticks / TICKS_PER_SECOND;
    }

    /** {@return of one process, all its threads and what the kernel did for them} */
    static double of(long pid) throws IOException {
        String text = Files.readString(Path.of("/proc/%d/stat".formatted(pid)));
        String[] fields = text.substring(text.lastIndexOf(')') + 2).split(" ", -1);
        long ticks =
                Long.parseLong(fields[USER_AFTER_NAME]) + Long.parseLong(fields[SYSTEM_AFTER_NAME]);
        return ticks / TICKS_PER_SECOND;
    }
}
