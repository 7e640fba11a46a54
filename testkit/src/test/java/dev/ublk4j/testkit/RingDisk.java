package dev.ublk4j.testkit;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Operation;
import dev.ublk4j.server.Queue;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.SimpleTarget;
import java.nio.file.Path;

/** A disk in a file, over the queue's ring, one I/O for each request at a time. */
public class RingDisk implements SimpleTarget {
    public static final int SIZE = 1 << 20;

    private final Fd file;
    private final int[] moved = new int[4096];

    public RingDisk(Path path) {
        file = Fd.open(path, Fd.O_RDWR);
    }

    @Override
    public Geometry geometry() {
        return Geometry.ofSize(SIZE).withVolatileCache();
    }

    @Override
    public int read(Request request) {
        return transfer(request, 0);
    }

    @Override
    public int write(Request request) {
        return transfer(request, 0);
    }

    private int transfer(Request request, int from) {
        Queue queue = request.queue();
        moved[request.tag()] = from;
        long address = request.data().address() + from;
        int length = (int) request.length() - from;
        long userData = queue.userData(request, this::resume);
        if (request.operation() == Operation.READ) {
            queue.ring().read(file.number(), address, length, request.offset() + from, userData);
        } else {
            queue.ring().write(file.number(), address, length, request.offset() + from, userData);
        }
        return Request.PENDING;
    }

    @Override
    public int flush(Request request) {
        Queue queue = request.queue();
        queue.ring().fsync(file.number(), true, queue.userData(request, Request::complete));
        return Request.PENDING;
    }

    /** Hears that a transfer has ended. */
    protected void resume(Request request, int result) {
        int answer = result < 0 ? result : moved(request, moved[request.tag()] + result);
        if (answer != Request.PENDING) {
            request.complete(answer);
        }
    }

    /** Goes on behind what has been moved: what a careless target forgets. */
    int moved(Request request, int bytes) {
        if (bytes == moved[request.tag()]) {
            return Errno.EIO.negated();
        }
        return bytes < request.length() ? transfer(request, bytes) : bytes;
    }

    @Override
    public void close() {
        file.close();
    }
}
