package dev.ublk4j.server;

import dev.ublk4j.driver.spi.QueueRing;
import dev.ublk4j.uapi.DeviceInfo;
import java.lang.foreign.Arena;

/**
 * How the tags of one thread go to the driver and come back: by a command for each, or by commands
 * for many. On the queue's thread.
 */
abstract sealed class IoCommands permits TagCommands, BatchCommands {
    /**
     * {@return the commands of a thread}
     *
     * @param tags which there are
     * @param path says where the data of requests is to go
     * @param arena outlives the ring
     */
    static IoCommands open(
            DeviceInfo info, ServedTags tags, QueueRing ring, DataPath path, Arena arena) {
        return Mode.of(info.flags()).batch()
                ? new BatchCommands(info, tags, ring, path, arena)
                : new TagCommands(info, tags, ring, path);
    }

    /**
     * Gives every tag to the driver for the first time, where that is not what {@link #fetchAll}
     * does.
     */
    abstract void prepareAll();

    /** Has the driver bring requests from now on. */
    abstract void fetchAll();

    /** Gives a tag back to the driver, with the result of its request. */
    abstract void commit(int tag, int result);

    /** As {@link #commit}, of a zone append, with the sector where its data is. */
    abstract void commitAppend(int tag, int result, long sector);

    /** Prepares what has been gathered; before every run of the ring. */
    abstract void flush();

    /** Lets go of what the driver was lent, before the ring is closed. */
    abstract void close();
}
