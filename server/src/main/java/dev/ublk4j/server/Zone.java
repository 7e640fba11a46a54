package dev.ublk4j.server;

import dev.ublk4j.uapi.wire.ZoneLayout;

/**
 * One zone of a device, as it is at a moment.
 *
 * @param start its first byte
 * @param length its bytes
 * @param capacity bytes that can be written, from its beginning on
 * @param isConventional whether it is written anywhere, as a device without zones
 * @param condition what can be done with it
 * @param writePointer the byte of the device that is written next; means nothing in a conventional
 *     zone and in one that is full
 */
public record Zone(
        long start,
        long length,
        long capacity,
        boolean isConventional,
        Condition condition,
        long writePointer) {

    /** What can be done with a zone. */
    public enum Condition {
        /** It is conventional: there is no write pointer. */
        NO_WRITE_POINTER(ZoneLayout.BLK_ZONE_COND_NOT_WP),

        /** Nothing is written. */
        EMPTY(ZoneLayout.BLK_ZONE_COND_EMPTY),

        /** A write has opened it; another zone may close it. */
        IMPLICITLY_OPEN(ZoneLayout.BLK_ZONE_COND_IMP_OPEN),

        /** A request has opened it. */
        EXPLICITLY_OPEN(ZoneLayout.BLK_ZONE_COND_EXP_OPEN),

        /** Partly written, and not open. */
        CLOSED(ZoneLayout.BLK_ZONE_COND_CLOSED),

        /** Nothing can be written before it is emptied. */
        FULL(ZoneLayout.BLK_ZONE_COND_FULL);

        private final int code;

        Condition(int code) {
            this.code = code;
        }

        /** {@return {@code BLK_ZONE_COND_...}} */
        public int code() {
            return code;
        }

        /** {@return whether it counts as open} */
        public boolean isOpen() {
            return this == IMPLICITLY_OPEN || this == EXPLICITLY_OPEN;
        }

        /** {@return whether it counts as active: open or closed} */
        public boolean isActive() {
            return isOpen() || this == CLOSED;
        }
    }
}
