package dev.ublk4j.conformance.fuzz;

import dev.ublk4j.conformance.device.RawControl;
import java.lang.foreign.MemorySegment;

/** Where a command says that its payload is. */
enum Place {
    THERE,
    NOWHERE,
    WILD;

    long address(MemorySegment payload) {
        return switch (this) {
            case THERE -> payload.address();
            case NOWHERE -> 0;
            case WILD -> RawControl.WILD;
        };
    }
}
