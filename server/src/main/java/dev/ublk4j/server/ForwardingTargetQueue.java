package dev.ublk4j.server;

/**
 * A target's queue that is as another, apart from what a subclass overrides. A lambda that only
 * submits to another queue neither finishes nor closes it; this class does.
 */
public abstract class ForwardingTargetQueue implements TargetQueue {
    private final TargetQueue below;

    /**
     * Takes the queue that everything is forwarded to.
     *
     * @param below is finished and closed with this one
     */
    protected ForwardingTargetQueue(TargetQueue below) {
        this.below = below;
    }

    /** {@return the queue that everything is forwarded to} */
    protected final TargetQueue below() {
        return below;
    }

    @Override
    public void submit(Request request) {
        below.submit(request);
    }

    @Override
    public void finish() {
        below.finish();
    }

    @Override
    public void close() {
        below.close();
    }
}
