package dev.ublk4j.server;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.internal.QuietLog;
import dev.ublk4j.server.SimpleTarget.Discards;
import dev.ublk4j.server.SimpleTarget.WritesZeroes;
import java.lang.System.Logger.Level;
import org.jspecify.annotations.Nullable;

/** A queue of a {@link SimpleTarget}: calls the method for each request's operation. */
final class Handlers implements TargetQueue {
    private static final System.Logger LOG = System.getLogger(Handlers.class.getName());

    private final SimpleTarget target;
    private final @Nullable Discards discards;
    private final @Nullable WritesZeroes writesZeroes;
    private final Queue queue;
    private final QuietLog notOut = new QuietLog(LOG);

    /**
     * Looks at what a target can do.
     *
     * @throws IllegalArgumentException when its geometry says more
     */
    Handlers(SimpleTarget target, Queue queue) {
        this.target = target;
        this.queue = queue;
        this.discards = target instanceof Discards some ? some : null;
        this.writesZeroes = target instanceof WritesZeroes some ? some : null;
        Geometry geometry = target.geometry();
        require(geometry.discardGranularity() == 0 || discards != null, "discards", "Discards");
        require(
                geometry.maxWriteZeroes() == 0 || writesZeroes != null,
                "writes zeroes",
                "WritesZeroes");
    }

    private void require(boolean holds, String what, String type) {
        if (!holds) {
            throw new IllegalArgumentException(
                    "%s %s by its geometry, but does not implement SimpleTarget.%s"
                            .formatted(target.getClass().getName(), what, type));
        }
    }

    @Override
    public void submit(Request request) {
        long id = request.id();
        int result = call(request);
        if (result != Request.PENDING && !queue.answer(id, result)) {
            complain(id, request);
        }
    }

    /** {@return what the method for the request returns} */
    int call(Request request) {
        return switch (request.operation()) {
            case READ -> target.read(request);
            case WRITE -> target.write(request);
            case FLUSH -> target.flush(request);
            case DISCARD -> discards == null ? unsupported() : discards.discard(request);
            case WRITE_ZEROES ->
                    writesZeroes == null ? unsupported() : writesZeroes.writeZeroes(request);
            case ZONE_OPEN, ZONE_CLOSE, ZONE_FINISH -> unsupported();
            case ZONE_APPEND, ZONE_RESET, ZONE_RESET_ALL -> unsupported();
        };
    }

    private static int unsupported() {
        return Errno.EOPNOTSUPP.negated();
    }

    /** Logs that a result had no request to end; rarely, as each request may have such a one. */
    void complain(long id, Request request) {
        notOut.log(Level.ERROR, () -> "%s: %s".formatted(request, queue.notOut(id).getMessage()));
    }
}
