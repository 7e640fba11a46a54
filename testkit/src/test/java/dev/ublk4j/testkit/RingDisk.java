package dev.ublk4j.testkit;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Fd;
import dev.ublk4j.server.Geometry;
import dev.ublk4j.server.Queue;
import dev.ublk4j.server.Request;
import dev.ublk4j.server.Target;
import dev.ublk4j.uapi.IoOp;
import java.nio.file.Path;

/** A disk in a file, over the queue's ring, one I/O for each request at a time. */
public class RingDisk implements Target {
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
        long userData = queue.userData(request.id(), 0);
        if (request.op() == IoOp.UBLK_IO_OP_READ) {
            queue.ring().read(file.number(), address, length, request.offset() + from, userData);
        } else {
            queue.ring().write(file.number(), address, length, request.offset() + from, userData);
        }
        return Request.PENDING;
    }

    @Override
    public int flush(Request request) {
        Queue queue = request.queue();
        queue.ring().fsync(file.number(), true, queue.userData(request.id(), 1));
        return Request.PENDING;
    }

    @Override
    public int resume(Request request, int step, int result) {
        if (result < 0 || step == 1) {
            return result;
        }
        return moved(request, moved[request.tag()] + result);
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
