package dev.ublk4j.layers;

import dev.ublk4j.server.Resizable;
import dev.ublk4j.server.Target;
import java.util.List;
import java.util.Objects;

/** Changes the size of several targets, or of none. */
final class Resizing {
    private Resizing() {}

    /**
     * Gives all legs a size.
     *
     * @param legs each can change its size
     * @param before what those get back that have changed when another refuses
     */
    static void all(List<Target> legs, long bytes, long before) {
        int done = 0;
        try {
            for (; done < legs.size(); done++) {
                of(legs.get(done)).resize(bytes);
            }
        } catch (Throwable e) {
            for (Target leg : legs.subList(0, done)) {
                try {
                    of(leg).resize(before);
                } catch (Throwable again) {
                    e.addSuppressed(again);
                }
            }
            throw e;
        }
    }

    private static Resizable of(Target leg) {
        return Objects.requireNonNull(leg.ability(Resizable.class));
    }
}
