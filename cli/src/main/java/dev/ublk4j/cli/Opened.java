package dev.ublk4j.cli;

import dev.ublk4j.server.Target;
import java.util.ArrayList;
import java.util.List;

/** Targets that have been opened for another, which are closed unless that takes them. */
final class Opened implements AutoCloseable {
    private final List<Target> targets = new ArrayList<>();

    /** {@return a target that has been opened} */
    Target add(Target target) {
        targets.add(target);
        return target;
    }

    /** {@return all of them, in their order, for what takes them} */
    List<Target> take() {
        List<Target> all = List.copyOf(targets);
        targets.clear();
        return all;
    }

    /** Closes what has not been taken, the last one first. */
    @Override
    public void close() {
        RuntimeException failed = null;
        for (Target target : targets.reversed()) {
            try {
                target.close();
            } catch (RuntimeException e) {
                failed = failed == null ? e : failed;
            }
        }
        if (failed != null) {
            throw failed;
        }
    }
}
