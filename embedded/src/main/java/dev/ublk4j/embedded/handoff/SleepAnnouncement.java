package dev.ublk4j.embedded.handoff;

/** Whether a queue thread sleeps or is about to, for those who bring it work. */
public final class SleepAnnouncement {
    /*
     * No wake-up is lost:
     * -------------------
     * The thread announces that it will sleep (a volatile write), then looks for work once more, then
     * sleeps. Who brings work makes it visible first (an atomic change or a volatile write), then reads
     * the announcement. All four accesses are volatile and so have one total order (JLS 17.4.4): either
     * the thread sees the work, or the other sees the announcement and signals. A signal that comes
     * before the thread is asleep is kept by the eventfd, whose armed read then completes at once.
     *
     * No call while there is work:
     * ----------------------------
     * The announcement is false while the thread is awake, so bringing work to it costs one read. Of
     * several who find it true, the lock lets the first one signal, who takes the announcement back.
     *
     * Not after the end:
     * ------------------
     * The lock also keeps a late signal from going to a descriptor that has been closed, or that by then
     * is another's. It is taken only to signal and to close.
     */
    private final Runnable signal;
    private final Object signaling = new Object();
    private volatile boolean made;
    private boolean closed;

    /**
     * Makes an announcement of a thread that is awake.
     *
     * @param signal wakes the thread, or keeps it from falling asleep
     */
    public SleepAnnouncement(Runnable signal) {
        this.signal = signal;
    }

    /** Says that the thread will sleep unless it finds work now. */
    public void make() {
        made = true;
    }

    /** Says that the thread is awake. */
    public void takeBack() {
        made = false;
    }

    /** Wakes the thread where it sleeps or is about to; from any thread, after work was brought. */
    public void signalIfMade() {
        if (made) {
            synchronized (signaling) {
                if (made && !closed) {
                    made = false;
                    signal.run();
                }
            }
        }
    }

    /** Nobody signals any more when this has returned. */
    public void close() {
        synchronized (signaling) {
            closed = true;
            made = false;
        }
    }
}
