package dev.ublk4j.qcow2;

import dev.ublk4j.targets.BackingFile.Caching;
import org.jspecify.annotations.Nullable;

/**
 * How a {@link Qcow2Target} opens an image.
 *
 * @param caching whether the data of clusters goes through the page cache; it does in any case
 *     where clusters are smaller than a page
 * @param readOnly whether nothing is written
 * @param force whether a block device is taken although somebody else has claimed it
 * @param backingFormat {@code raw} or {@code qcow2}, of a backing file whose format the image does
 *     not name; null to refuse such an image
 * @param snapshot the name or the number of a snapshot to read in place of the disk, or null
 * @param cacheBytes memory for tables: with 64 KiB of it, 512 MiB of a disk whose clusters have 64
 *     KiB are found without looking in the image
 */
public record Qcow2Options(
        Caching caching,
        boolean readOnly,
        boolean force,
        @Nullable String backingFormat,
        @Nullable String snapshot,
        long cacheBytes) {
    /** Memory for tables, unless it is said: 32 MiB. */
    public static final long DEFAULT_CACHE = 32 << 20;

    /** {@return an image to be read and written} */
    public static Qcow2Options of(Caching caching) {
        return new Qcow2Options(caching, false, false, null, null, DEFAULT_CACHE);
    }

    /** {@return the same, to be read only or not} */
    public Qcow2Options withReadOnly(boolean newReadOnly) {
        return new Qcow2Options(caching, newReadOnly, force, backingFormat, snapshot, cacheBytes);
    }

    /** {@return the same, whoever else has claimed the block device} */
    public Qcow2Options withForce(boolean newForce) {
        return new Qcow2Options(caching, readOnly, newForce, backingFormat, snapshot, cacheBytes);
    }

    /** {@return the same with the format of a backing file of which the image does not name it} */
    public Qcow2Options withBackingFormat(@Nullable String format) {
        return new Qcow2Options(caching, readOnly, force, format, snapshot, cacheBytes);
    }

    /** {@return the same for a snapshot, which is only read} */
    public Qcow2Options withSnapshot(@Nullable String name) {
        return new Qcow2Options(
                caching, readOnly || name != null, force, backingFormat, name, cacheBytes);
    }

    /** {@return the same with so much memory for tables} */
    public Qcow2Options withCache(long bytes) {
        return new Qcow2Options(caching, readOnly, force, backingFormat, snapshot, bytes);
    }
}
