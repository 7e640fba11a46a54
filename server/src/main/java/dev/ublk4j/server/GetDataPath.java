package dev.ublk4j.server;

import dev.ublk4j.uapi.IoFlag;

/**
 * The driver copies, the data of a write only when it has been asked for ({@code
 * UBLK_F_NEED_GET_DATA}): a write comes twice, first without its data, and again when a buffer has
 * been named and filled. Reads are as in {@link CopyPath}.
 */
final class GetDataPath extends CopyPath {
    GetDataPath(IoBuffers buffers, QueueCounters counters) {
        super(buffers, counters);
    }

    @Override
    long bufferOfWrite(int tag, int opFlags, long described) {
        // The kernel's driver writes what is named here into the descriptor, also where that says
        // that the data is in shared memory: there, what it says already is named.
        return (opFlags & IoFlag.UBLK_IO_F_SHMEM_ZC) != 0 ? described : address(tag);
    }
}
