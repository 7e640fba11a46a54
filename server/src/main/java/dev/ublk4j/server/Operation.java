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
    WRITE_ZEROES(IoOp.UBLK_IO_OP_WRITE_ZEROES),

    /** Open the zone at the offset ({@code UBLK_IO_OP_ZONE_OPEN}). */
    ZONE_OPEN(IoOp.UBLK_IO_OP_ZONE_OPEN),

    /** Close the zone at the offset ({@code UBLK_IO_OP_ZONE_CLOSE}). */
    ZONE_CLOSE(IoOp.UBLK_IO_OP_ZONE_CLOSE),

    /** Make the zone at the offset full ({@code UBLK_IO_OP_ZONE_FINISH}). */
    ZONE_FINISH(IoOp.UBLK_IO_OP_ZONE_FINISH),

    /**
     * Store the data at the write pointer of the zone that begins at the offset, and {@linkplain
     * Request#appendedAt say where} that was ({@code UBLK_IO_OP_ZONE_APPEND}).
     */
    ZONE_APPEND(IoOp.UBLK_IO_OP_ZONE_APPEND),

    /** Empty all zones ({@code UBLK_IO_OP_ZONE_RESET_ALL}). */
    ZONE_RESET_ALL(IoOp.UBLK_IO_OP_ZONE_RESET_ALL),

    /** Empty the zone at the offset ({@code UBLK_IO_OP_ZONE_RESET}). */
    ZONE_RESET(IoOp.UBLK_IO_OP_ZONE_RESET);

    private static final @Nullable Operation[] BY_CODE =
            new @Nullable Operation[IoOp.UBLK_IO_OP_ZONE_RESET + 1];

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
        return this == READ || bringsData();
    }

    /** {@return whether the request comes with data, which is to be stored} */
    public boolean bringsData() {
        return this == WRITE || this == ZONE_APPEND;
    }

    /** {@return whether the content of the device changes} */
    public boolean changes() {
        return switch (this) {
            case WRITE, DISCARD, WRITE_ZEROES -> true;
            case ZONE_APPEND, ZONE_FINISH, ZONE_RESET, ZONE_RESET_ALL -> true;
            case READ, FLUSH, ZONE_OPEN, ZONE_CLOSE -> false;
        };
    }

    /** {@return whether only devices {@linkplain Geometry#withZones of zones} are asked for it} */
    public boolean isOfZones() {
        return code >= IoOp.UBLK_IO_OP_ZONE_OPEN;
    }

    @Override
    public String toString() {
        return IoOp.name(code);
    }
}
