package dev.ublk4j.sharedmemory;

/**
 * One slot of a ring's buffer table.
 *
 * @param ring whose table
 * @param index in that table
 */
record BufferSlot(PinRing ring, int index) {}
