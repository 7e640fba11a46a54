package dev.ublk4j.layers;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.server.ForwardingTarget;
import dev.ublk4j.server.ForwardingTargetQueue;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Queue;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.Target;
import dev.ublk4j.server.TargetQueue;

/** A target that must not be written to. */
final class ReadOnly extends ForwardingTarget {
    ReadOnly(Target target) {
        super(target);
    }

    @Override
    public Geometry geometry() {
        return super.geometry().asReadOnly();
    }

    @Override
    public TargetQueue open(Queue queue) {
        return new ForwardingTargetQueue(super.open(queue)) {
            @Override
            public void submit(Request request) {
                assertThat(request.operation().changes()).isFalse();
                super.submit(request);
            }
        };
    }
}
