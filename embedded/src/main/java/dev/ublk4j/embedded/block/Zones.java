package dev.ublk4j.embedded.block;

import dev.ublk4j.uapi.IoOp;

/** The operations of disks that have zones. */
public final class Zones {
    private Zones() {}

    /** {@return whether an operation changes the condition of zones, and has no data} */
    public static boolean changes(int operation) {
        return switch (operation) {
            case IoOp.UBLK_IO_OP_ZONE_OPEN,
                    IoOp.UBLK_IO_OP_ZONE_CLOSE,
                    IoOp.UBLK_IO_OP_ZONE_FINISH,
                    IoOp.UBLK_IO_OP_ZONE_RESET,
                    IoOp.UBLK_IO_OP_ZONE_RESET_ALL ->
                    true;
            default -> false;
        };
    }
}
