package dev.ublk4j.guest;

import java.nio.charset.StandardCharsets;

/** How a command in a guest ended. */
public final class CommandResult {
    /** Output that a failure shows. */
    private static final int SHOWN = 4096;

    private final String command;
    private final int status;
    private final byte[] output;
    private final long printed;

    CommandResult(String command, int status, byte[] output, long printed) {
        this.command = command;
        this.status = status;
        this.output = output;
        this.printed = printed;
    }

    /** {@return the exit status; 128 and the number of the signal that ended it} */
    public int status() {
        return status;
    }

    /**
     * {@return what it printed, on both of its outputs, until the shell had ended; the first {@link
     * GuestOptions#withOutputLimit so many bytes} of it}
     */
    public String output() {
        return new String(output, StandardCharsets.UTF_8);
    }

    /** {@return the bytes of the {@link #output}} */
    public byte[] bytes() {
        return output.clone();
    }

    /** {@return bytes that it printed, also those that the {@link #output} has not} */
    public long printed() {
        return printed;
    }

    /**
     * {@return this, when the status is 0}
     *
     * @throws GuestException with the output, when it is not
     */
    public CommandResult check() {
        if (status != 0) {
            throw new GuestException(
                    "the command ended with status %d: %s%n%s".formatted(status, command, shown()));
        }
        return this;
    }

    private String shown() {
        int from = Math.max(0, output.length - SHOWN);
        return new String(output, from, output.length - from, StandardCharsets.UTF_8);
    }

    @Override
    public String toString() {
        return "status %d, %d bytes printed: %s".formatted(status, printed, command);
    }
}
