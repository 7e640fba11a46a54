package dev.ublk4j.server;

/**
 * The driver copies: the data of a write into the tag's buffer before the request comes, that of a
 * read out of it when the request is committed.
 */
sealed class CopyPath extends DataPath permits GetDataPath {
    private final IoBuffers buffers;
    private final QueueCounters counters;

    CopyPath(IoBuffers buffers, QueueCounters counters) {
        this.buffers = buffers;
        this.counters = counters;
    }

    @Override
    long address(int tag) {
        return buffers.address(tag);
    }

    @Override
    void attach(Request request, int opFlags) {
        boolean isWrite = request.operation() == Operation.WRITE;
        counters.copied(request.length());
        request.attach(buffers.slice(request.tag(), request.length(), isWrite), -1);
    }
}
