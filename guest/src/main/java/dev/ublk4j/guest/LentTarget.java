package dev.ublk4j.guest;

import dev.ublk4j.server.ForwardingTarget;
import dev.ublk4j.server.Target;

/** A target whose owner keeps it when the guest is off. */
final class LentTarget extends ForwardingTarget {
    LentTarget(Target target) {
        super(target);
    }

    @Override
    public void close() {}
}
