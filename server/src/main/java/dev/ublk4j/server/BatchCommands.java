package dev.ublk4j.server;

import dev.ublk4j.driver.spi.QueueRing;
import dev.ublk4j.uapi.DeviceInfo;
import java.lang.foreign.Arena;

/** Commands for many tags ({@code UBLK_F_BATCH_IO}), those of each queue apart. */
final class BatchCommands extends IoCommands {
    private final ServedTags tags;
    private final QueueBatch[] queues;

    BatchCommands(DeviceInfo info, ServedTags tags, QueueRing ring, DataPath path, Arena arena) {
        this.tags = tags;
        this.queues = new QueueBatch[tags.queues().length];
        for (int index = 0; index < queues.length; index++) {
            queues[index] = new QueueBatch(info, tags, index, ring, path, arena);
        }
    }

    @Override
    void prepareAll() {
        for (QueueBatch queue : queues) {
            queue.prepareAll();
        }
    }

    @Override
    void fetchAll() {
        for (QueueBatch queue : queues) {
            queue.fetch(tags.common() == null);
        }
    }

    @Override
    void commit(int tag, int result) {
        queues[tags.queueIndex(tag)].commit(tag, result);
    }

    @Override
    void commitAppend(int tag, int result, long sector) {
        queues[tags.queueIndex(tag)].commitAppend(tag, result, sector);
    }

    @Override
    void flush() {
        for (QueueBatch queue : queues) {
            queue.flush();
        }
    }

    /**
     * Takes the completion of a command.
     *
     * @param value of its user data
     */
    void completed(int value, int result, int completionFlags, Dispatcher dispatcher) {
        queues[value / QueueBatch.KINDS].completed(
                value % QueueBatch.KINDS, result, completionFlags, dispatcher);
    }

    @Override
    void close() {
        for (QueueBatch queue : queues) {
            queue.close();
        }
    }
}
