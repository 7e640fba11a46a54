package dev.ublk4j.layers;

import dev.ublk4j.server.Operation;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;

/** What a {@link DiskFault} is: what goes wrong, and with which operations it can. */
enum FaultEffect {
    ERROR,
    DELAY,
    HANG,
    TORN,
    LOST,
    MISDIRECTED,
    ROT,
    FULL,
    WRITE_PROTECT;

    Set<Operation> possible() {
        return switch (this) {
            case ERROR, DELAY, HANG -> EnumSet.allOf(Operation.class);
            case TORN -> EnumSet.of(Operation.WRITE);
            case LOST ->
                    EnumSet.of(
                            Operation.WRITE,
                            Operation.FLUSH,
                            Operation.DISCARD,
                            Operation.WRITE_ZEROES);
            case MISDIRECTED, ROT -> EnumSet.of(Operation.READ, Operation.WRITE);
            case FULL -> EnumSet.of(Operation.WRITE, Operation.WRITE_ZEROES);
            case WRITE_PROTECT ->
                    EnumSet.of(Operation.WRITE, Operation.DISCARD, Operation.WRITE_ZEROES);
        };
    }

    Set<Operation> usual() {
        return switch (this) {
            case LOST, MISDIRECTED -> EnumSet.of(Operation.WRITE);
            case ROT -> EnumSet.of(Operation.READ);
            default -> possible();
        };
    }

    String text() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
