package dev.ublk4j.server;

import dev.ublk4j.linux.LinuxException;
import java.lang.foreign.MemorySegment;

/**
 * The server copies, when the target asks for the data and right to where it wants it ({@code
 * UBLK_F_USER_COPY}): see {@link RequestData.WithDriver}. A tag's buffer is for targets that look
 * at the data in memory.
 */
final class UserCopyPath extends DataPath {
    private final RequestData.WithDriver[] data;
    private final UserCopy userCopy;
    private final IoBuffers buffers;
    private final int bufferBytes;
    private final QueueCounters counters;

    UserCopyPath(
            UserCopy userCopy,
            int depth,
            IoBuffers buffers,
            int bufferBytes,
            SharedData shared,
            QueueCounters counters) {
        this.userCopy = userCopy;
        this.buffers = buffers;
        this.bufferBytes = bufferBytes;
        this.counters = counters;
        this.data = new RequestData.WithDriver[depth];
        for (int tag = 0; tag < depth; tag++) {
            data[tag] = new RequestData.WithDriver(userCopy, tag, shared);
        }
    }

    @Override
    void attach(Request request, int opFlags) {
        int tag = request.tag();
        long length = request.length();
        boolean isWrite = request.operation().bringsData();
        counters.copied(length);
        request.attach(
                data[tag].of(
                        buffers.slice(tag, length, isWrite), buffers.slice(tag, length, false)));
    }

    /**
     * The result is as large as any report: drivers ask again for what is short, and do not tell
     * how much memory they have for it, which may be more than the zones take.
     */
    @Override
    int report(int tag, ZoneReport zones, long start, long most) {
        MemorySegment memory = buffers.slice(tag, bufferBytes, false);
        long bytes = zones.write(memory, start, most);
        try {
            if (bytes > 0) {
                userCopy.put(tag, 0, memory, 0, bytes);
            }
            return bufferBytes;
        } catch (LinuxException e) {
            return -e.number();
        }
    }
}
