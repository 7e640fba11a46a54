package dev.ublk4j.cli.serve;

import dev.ublk4j.server.AllocationMap;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Queue;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.Target;
import org.jspecify.annotations.Nullable;

/** A target that is as another, apart from its geometry. */
public final class Reshaped implements Target {
    private final Target target;
    private final Geometry geometry;

    /**
     * Gives a target another geometry.
     *
     * @param target belongs to this one from now on
     */
    public Reshaped(Target target, Geometry geometry) {
        this.target = target;
        this.geometry = geometry;
    }

    @Override
    public Geometry geometry() {
        return geometry;
    }

    @Override
    public int read(Request request) {
        return target.read(request);
    }

    @Override
    public int write(Request request) {
        return target.write(request);
    }

    @Override
    public int flush(Request request) {
        return target.flush(request);
    }

    @Override
    public int discard(Request request) {
        return target.discard(request);
    }

    @Override
    public int writeZeroes(Request request) {
        return target.writeZeroes(request);
    }

    @Override
    public int resume(Request request, int step, int result) {
        return target.resume(request, step, result);
    }

    @Override
    public void resize(long bytes) {
        target.resize(bytes);
    }

    @Override
    public boolean blocking() {
        return target.blocking();
    }

    @Override
    public boolean needsData() {
        return target.needsData();
    }

    @Override
    public @Nullable AllocationMap allocation() {
        return target.allocation();
    }

    @Override
    public void queueStarted(Queue queue) {
        target.queueStarted(queue);
    }

    @Override
    public void queueStopped(Queue queue) {
        target.queueStopped(queue);
    }

    @Override
    public void close() {
        target.close();
    }
}
