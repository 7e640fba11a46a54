package dev.ublk4j.server;

/** The ability of a {@link Target} to change its size. */
public interface Resizable {
    /**
     * Makes room for another size of the device, or gives room back, before the device changes to
     * it. On any thread, while requests go on.
     *
     * @param bytes a multiple of the logical block size
     * @throws UnsupportedOperationException when it cannot after all
     * @throws IllegalArgumentException for a size that it cannot have
     */
    void resize(long bytes);
}
