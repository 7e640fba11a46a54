package dev.ublk4j.server;

import dev.ublk4j.uapi.IoOp;
import org.jspecify.annotations.Nullable;

/** What a {@link Request} asks for. */
public enum Operation {
    /** Fill the data from the device ({@code UBLK_IO_OP_READ}). */
    READ(IoOp.UBLK_IO_OP_READ),

    /** Store the data on the device ({@code UBLK_IO_OP_WRITE}). */
    WRITE(IoOp.UBLK_IO_OP_WRITE),

    /** Make every completed write durable ({@code UBLK_IO_OP_FLUSH}). */
    FLUSH(IoOp.UBLK_IO_OP_FLUSH),

    /** Forget a range, whose content may be anything afterwards ({@code UBLK_IO_OP_DISCARD}). */
    DISCARD(IoOp.UBLK_IO_OP_DISCARD),

    /** Fill a range with zeroes ({@code UBLK_IO_OP_WRITE_ZEROES}). */
    WRITE_ZEROES(IoOp.UBLK_IO_OP_WRITE_ZEROES);

    private static final @Nullable Operation[] BY_CODE =
            new @Nullable Operation[IoOp.UBLK_IO_OP_WRITE_ZEROES + 1];

    static {
        for (Operation operation : values()) {
            BY_CODE[operation.code] = operation;
        }
    }

    private final int code;

    Operation(int code) {
        this.code = code;
    }

    /** {@return the operation with a number of the driver's, or null for one that is not served} */
    static @Nullable Operation ofCode(int code) {
        return code < BY_CODE.length ? BY_CODE[code] : null;
    }

    /** {@return whether data is moved} */
    public boolean hasData() {
        return this == READ || this == WRITE;
    }

    /** {@return whether the content of the device changes} */
    public boolean changes() {
        return this == WRITE || this == DISCARD || this == WRITE_ZEROES;
    }

    @Override
    public String toString() {
        return IoOp.name(code);
    }
}
