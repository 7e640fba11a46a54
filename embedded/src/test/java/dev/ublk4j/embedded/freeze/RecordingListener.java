package dev.ublk4j.embedded.freeze;

import java.util.concurrent.atomic.AtomicInteger;

/** Counts what it hears. */
final class RecordingListener implements GateListener {
    final AtomicInteger opened = new AtomicInteger();
    final AtomicInteger killed = new AtomicInteger();

    @Override
    public void onOpened() {
        opened.incrementAndGet();
    }

    @Override
    public void onKilled() {
        killed.incrementAndGet();
    }
}
