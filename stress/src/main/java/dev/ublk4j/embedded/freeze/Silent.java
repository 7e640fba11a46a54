package dev.ublk4j.embedded.freeze;

/** A listener that does nothing. */
final class Silent implements GateListener {
    static final Silent LISTENER = new Silent();

    @Override
    public void onOpened() {}

    @Override
    public void onKilled() {}
}
