package dev.ublk4j.embedded;

import dev.ublk4j.uapi.IoOp;

/** What can become of a zone as a whole. */
public enum ZoneChange {
    /** It can be written, and stays so ({@code BLKOPENZONE}). */
    OPEN(IoOp.UBLK_IO_OP_ZONE_OPEN),

    /** It is not to be written for now ({@code BLKCLOSEZONE}). */
    CLOSE(IoOp.UBLK_IO_OP_ZONE_CLOSE),

    /** It is full, whatever has been written ({@code BLKFINISHZONE}). */
    FINISH(IoOp.UBLK_IO_OP_ZONE_FINISH),

    /** It is empty ({@code BLKRESETZONE}). */
    RESET(IoOp.UBLK_IO_OP_ZONE_RESET);

    private final int op;

    ZoneChange(int op) {
        this.op = op;
    }

    int op() {
        return op;
    }
}
