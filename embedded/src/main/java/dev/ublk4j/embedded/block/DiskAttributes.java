package dev.ublk4j.embedded.block;

/**
 * What a disk does with writes.
 *
 * @param readOnly whether it refuses them
 * @param volatileCache whether they may be lost until a flush
 * @param fua whether the driver knows a write that is not lost
 */
public record DiskAttributes(boolean readOnly, boolean volatileCache, boolean fua) {}
