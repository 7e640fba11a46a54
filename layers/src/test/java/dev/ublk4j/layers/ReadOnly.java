package dev.ublk4j.layers;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Queue;
import dev.ublk4j.server.Target;
import dev.ublk4j.server.TargetQueue;

/** A target that must not be written to. */
record ReadOnly(Target target) implements Target {
    @Override
    public Geometry geometry() {
        return target.geometry().asReadOnly();
    }

    @Override
    public TargetQueue open(Queue queue) {
        TargetQueue below = target.open(queue);
        return request -> {
            assertThat(request.operation().changes()).isFalse();
            below.submit(request);
        };
    }
}
