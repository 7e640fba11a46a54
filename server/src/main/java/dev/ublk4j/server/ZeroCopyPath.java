package dev.ublk4j.server;

import dev.ublk4j.uapi.IoFlag;
import java.util.BitSet;

/**
 * Nobody copies: the driver registers a request's pages in the slot that the tag's command names,
 * and takes them out with the commit ({@code UBLK_F_AUTO_BUF_REG}). Where it cannot, it says so
 * ({@code UBLK_IO_F_NEED_REG_BUF}), and they are registered as {@link ManualZeroCopyPath} does, in
 * the tag's spare slot: whatever is in the way of the first is not in that of the second.
 */
final class ZeroCopyPath extends DataPath {
    private final RequestPages pages;
    private final boolean hasFallback;
    private final SharedData shared;
    private final QueueCounters counters;
    private final RequestData.InSlot[] data;
    private final RequestData.InSlot[] spare;
    private final BitSet inSpare = new BitSet();

    ZeroCopyPath(
            RequestPages pages,
            OtherRings others,
            int depth,
            boolean hasFallback,
            SharedData shared,
            QueueCounters counters) {
        this.pages = pages;
        this.hasFallback = hasFallback;
        this.shared = shared;
        this.counters = counters;
        this.data = new RequestData.InSlot[depth];
        this.spare = new RequestData.InSlot[depth];
        for (int tag = 0; tag < depth; tag++) {
            data[tag] = new RequestData.InSlot(shared.slotOfTag(tag), tag, others);
            spare[tag] = new RequestData.InSlot(shared.spareSlotOfTag(tag), tag, others);
        }
        shared.openSlots();
    }

    @Override
    int slot(int tag) {
        return shared.slotOfTag(tag);
    }

    @Override
    boolean hasFallback() {
        return hasFallback;
    }

    @Override
    void attach(Request request, int opFlags) {
        int tag = request.tag();
        counters.registered(request.length());
        if ((opFlags & IoFlag.UBLK_IO_F_NEED_REG_BUF) == 0) {
            request.attach(data[tag]);
        } else {
            pages.register(tag, shared.spareSlotOfTag(tag));
            inSpare.set(tag);
            request.attach(spare[tag]);
        }
    }

    @Override
    void release(int tag) {
        if (inSpare.get(tag)) {
            inSpare.clear(tag);
            pages.unregister(tag, shared.spareSlotOfTag(tag));
        }
    }

    @Override
    void pagesCompleted(int tag, int result) {
        pages.completed(tag, result);
    }
}
