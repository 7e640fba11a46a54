package dev.ublk4j.server;

import dev.ublk4j.driver.spi.QueueRing;
import dev.ublk4j.uapi.DeviceInfo;
import dev.ublk4j.uapi.wire.AutoBufRegLayout;
import dev.ublk4j.uapi.wire.CommandEncoding;
import dev.ublk4j.uapi.wire.IoCommand;

/** A command for each tag, which completes when there is a request for it. */
final class TagCommands extends IoCommands {
    private final ServedTags tags;
    private final QueueRing ring;
    private final DataPath path;
    private final int fetch;
    private final int commitAndFetch;
    private final int needGetData;
    private final int slotFlags;

    TagCommands(DeviceInfo info, ServedTags tags, QueueRing ring, DataPath path) {
        this.tags = tags;
        this.ring = ring;
        this.path = path;
        CommandEncoding encoding = CommandEncoding.ofDevice(info.flags());
        this.fetch = encoding.op(IoCommand.UBLK_U_IO_FETCH_REQ);
        this.commitAndFetch = encoding.op(IoCommand.UBLK_U_IO_COMMIT_AND_FETCH_REQ);
        this.needGetData = encoding.op(IoCommand.UBLK_U_IO_NEED_GET_DATA);
        this.slotFlags = path.hasFallback() ? AutoBufRegLayout.UBLK_AUTO_BUF_REG_FALLBACK : 0;
    }

    @Override
    void prepareAll() {
        // The first fetch of a tag does so.
    }

    @Override
    void fetchAll() {
        for (int tag = 0; tag < tags.count(); tag++) {
            send(fetch, tag, 0);
        }
    }

    @Override
    void commit(int tag, int result) {
        send(commitAndFetch, tag, result);
    }

    @Override
    void commitAppend(int tag, int result, long sector) {
        // The driver takes it in the place of a buffer's address, which such a device has not.
        ring.command(
                commitAndFetch,
                tags.queue(tag),
                tags.tagInQueue(tag),
                result,
                sector,
                RequestId.commandUserData(tag));
    }

    private void send(int op, int tag, int result) {
        long userData = RequestId.commandUserData(tag);
        int slot = path.slot(tag);
        int queue = tags.queue(tag);
        int number = tags.tagInQueue(tag);
        if (slot == DataPath.NONE) {
            ring.command(op, queue, number, result, path.address(tag), userData);
        } else {
            ring.commandWithSlot(op, queue, number, result, slot, slotFlags, userData);
        }
    }

    /** Names the buffer for a write, and has the driver copy its data there. */
    void getData(int tag, long address) {
        ring.command(
                needGetData,
                tags.queue(tag),
                tags.tagInQueue(tag),
                0,
                address,
                RequestId.commandUserData(tag));
    }

    @Override
    void flush() {
        // Each command has been prepared when it was given.
    }

    @Override
    void close() {
        // The driver takes commands back by itself.
    }
}
