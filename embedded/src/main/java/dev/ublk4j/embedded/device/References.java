package dev.ublk4j.embedded.device;

/** How many use something; the last one to let go has it freed. Any thread. */
final class References {
    private final Runnable freed;
    private int count = 1;

    /**
     * Makes the count of something that its maker uses.
     *
     * @param freed called once, by the last to let go
     */
    References(Runnable freed) {
        this.freed = freed;
    }

    /** Adds one, for somebody who has been told of it by a user. */
    synchronized void get() {
        assert count > 0 : "freed";
        count++;
    }

    /** Adds one, unless the last has let go already. */
    synchronized boolean tryGet() {
        if (count == 0) {
            return false;
        }
        count++;
        return true;
    }

    /** Takes one back. */
    void put() {
        synchronized (this) {
            assert count > 0 : "freed";
            if (--count > 0) {
                return;
            }
        }
        freed.run();
    }
}
