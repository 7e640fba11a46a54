package dev.ublk4j.vhostuser.blk;

/**
 * Whether what a client changes must be durable when it is answered. Set by the client's own
 * thread, looked at by those of its queues.
 */
public final class CacheMode {
    private final boolean hasCache;
    private volatile boolean flushes = true;
    private volatile boolean writeback = true;

    /**
     * Makes the mode of a client that flushes.
     *
     * @param hasCache whether the disk may lose what has not been flushed
     */
    public CacheMode(boolean hasCache) {
        this.hasCache = hasCache;
    }

    /** Says whether the client knows of flushes: who does not, cannot ask for one. */
    public void setFlushes(boolean newFlushes) {
        flushes = newFlushes;
    }

    /** Says which mode the client has chosen in the configuration. */
    public void setWriteback(boolean newWriteback) {
        writeback = newWriteback;
    }

    /** {@return what the configuration says: whether the client has to flush} */
    public boolean isWriteback() {
        return hasCache && flushes && writeback;
    }

    /** {@return whether every change is made durable before it is answered} */
    boolean writesThrough() {
        return hasCache && !(flushes && writeback);
    }
}
