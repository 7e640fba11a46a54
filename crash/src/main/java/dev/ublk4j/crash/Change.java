package dev.ublk4j.crash;

import dev.ublk4j.server.Operation;
import java.lang.foreign.MemorySegment;

/**
 * Something that a disk was asked to do. Instants count what happens to a disk: each request has
 * one when it is sent and one when it is answered.
 *
 * @param number counts from 1, in the order in which requests were sent
 * @param operation write, flush, discard or write of zeroes
 * @param forcesUnitAccess whether a write was to be durable when answered
 * @param offset its first byte on the disk
 * @param length bytes; 0 for a flush
 * @param data what is written, {@code length} bytes; empty for the other operations
 * @param sent the instant at which it was sent
 * @param answered the instant at which it was answered, {@link Long#MAX_VALUE} if it was not
 * @param result what it was answered: a negative errno, or anything else for success
 */
record Change(
        int number,
        Operation operation,
        boolean forcesUnitAccess,
        long offset,
        long length,
        MemorySegment data,
        long sent,
        long answered,
        int result) {
    Change numbered(int other) {
        return new Change(
                other, operation, forcesUnitAccess, offset, length, data, sent, answered, result);
    }

    Change answered(long instant, int how) {
        return new Change(
                number, operation, forcesUnitAccess, offset, length, data, sent, instant, how);
    }

    boolean isFlush() {
        return operation == Operation.FLUSH;
    }

    /** {@return whether it was answered, and well} */
    boolean succeeded() {
        return answered != Long.MAX_VALUE && result >= 0;
    }

    long end() {
        return offset + length;
    }

    @Override
    public String toString() {
        String what =
                switch (operation) {
                    case FLUSH -> "flush";
                    case WRITE_ZEROES -> "zeroes, %d bytes at %d".formatted(length, offset);
                    default -> "%s, %d bytes at %d".formatted(operation, length, offset);
                };
        return "%d: %s%s".formatted(number, what, forcesUnitAccess ? ", through" : "");
    }
}
