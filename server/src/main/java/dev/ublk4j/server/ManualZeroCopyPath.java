package dev.ublk4j.server;

import java.util.BitSet;

/**
 * Nobody copies: the server registers a request's pages in the tag's slot when it comes, and takes
 * them out before it commits it ({@code UBLK_F_SUPPORT_ZERO_COPY}). The commands stand before and
 * behind the target's I/O in the queue's ring, which carries them out in this order.
 */
final class ManualZeroCopyPath extends DataPath {
    private final RequestPages pages;
    private final SharedData shared;
    private final QueueCounters counters;
    private final RequestData.InSlot[] data;
    private final BitSet registered = new BitSet();

    ManualZeroCopyPath(
            RequestPages pages,
            OtherRings others,
            int depth,
            SharedData shared,
            QueueCounters counters) {
        this.pages = pages;
        this.shared = shared;
        this.counters = counters;
        this.data = new RequestData.InSlot[depth];
        for (int tag = 0; tag < depth; tag++) {
            data[tag] = new RequestData.InSlot(shared.slotOfTag(tag), tag, others);
        }
        shared.openSlots();
    }

    @Override
    void attach(Request request, int opFlags) {
        int tag = request.tag();
        counters.registered(request.length());
        pages.register(tag, shared.slotOfTag(tag));
        registered.set(tag);
        request.attach(data[tag]);
    }

    @Override
    void release(int tag) {
        if (registered.get(tag)) {
            registered.clear(tag);
            pages.unregister(tag, shared.slotOfTag(tag));
        }
    }

    @Override
    void pagesCompleted(int tag, int result) {
        pages.completed(tag, result);
    }
}
