package dev.ublk4j.cli.demo;

/** A block that was read back with other bytes than it was written with. */
public final class CorruptDataException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /**
     * Creates the exception.
     *
     * @param position first byte of the block on the device
     * @param wrong the first byte of it that differs
     */
    public CorruptDataException(long position, long wrong) {
        super("the block at %d is corrupt from byte %d".formatted(position, wrong));
    }
}
