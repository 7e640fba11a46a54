package dev.ublk4j.embedded.queue;

import dev.ublk4j.embedded.block.Bio;
import dev.ublk4j.embedded.block.BlockErrors;
import dev.ublk4j.embedded.block.BlockRequest;
import dev.ublk4j.embedded.block.Segments;
import dev.ublk4j.embedded.features.DeviceDescription;
import dev.ublk4j.embedded.range.RangeTable;
import dev.ublk4j.embedded.range.RequestMatcher;
import dev.ublk4j.linux.Errno;
import dev.ublk4j.linux.Pages;
import dev.ublk4j.uapi.Feature;
import dev.ublk4j.uapi.IoFlag;
import dev.ublk4j.uapi.Sectors;
import dev.ublk4j.uapi.wire.IoDescLayout;
import dev.ublk4j.uapi.wire.IoResult;
import java.util.Arrays;

/**
 * Brings requests to the server and answers back to the client, on the thread of a ring: describes,
 * matches, copies.
 */
final class RequestDispatch {
    /** {@link #dispatch} has aborted the request or put it aside; there is nothing to tell. */
    static final int NOTHING = -1;

    private final boolean matches;
    private final boolean copies;
    private final boolean asksForBuffers;
    private final boolean isUserCopy;
    private final boolean checked;
    private final boolean asksForTheRest;
    private final RangeTable buffers;
    private final DataTally counters;
    private final int descriptorBytes;

    // A request's segments, clipped to the request, for the matcher.
    private long[] frames = new long[4];
    private int[] offsets = new int[4];
    private int[] lengths = new int[4];

    RequestDispatch(QueueSet queues, DataTally counters) {
        DeviceDescription device = queues.description();
        this.counters = counters;
        matches = device.has(Feature.UBLK_F_SHMEM_ZC);
        isUserCopy = device.isUserCopy();
        copies = !isUserCopy;
        asksForBuffers = device.has(Feature.UBLK_F_NEED_GET_DATA);
        checked = queues.settings().checkedCopies();
        asksForTheRest = queues.settings().release().asksForTheRest();
        buffers = queues.buffers();
        descriptorBytes = device.descriptorBytes();
    }

    /**
     * Hands a request to the server.
     *
     * @return the result of the tag's command, or {@link #NOTHING}
     */
    int dispatch(UblkQueue queue, BlockRequest request) {
        IoSlot slot = queue.slot(request.tag());
        if (slot.state() != TagState.FETCHED) {
            queue.abort(request);
            return NOTHING;
        }
        int opFlags = request.op() | request.flags();
        long address = slot.address();
        boolean shared = false;
        if (matches && request.hasData()) {
            long match = match(request);
            if (match >= 0) {
                shared = true;
                opFlags |= IoFlag.UBLK_IO_F_SHMEM_ZC;
                address = match;
            }
        }
        IoDescLayout.write(
                queue.descriptors(),
                (long) slot.tag() * descriptorBytes,
                opFlags,
                request.isReport()
                        ? request.data().zones()
                        : (int) Sectors.ofBytes(request.bytes()),
                request.sector(),
                address);
        if (asksForBuffers && request.isWrite()) {
            boolean _ = slot.serve(request, TagState.AWAITING_BUFFER, shared);
            return IoResult.UBLK_IO_RES_NEED_GET_DATA;
        }
        if (copies && !shared && request.isWrite() && !provide(queue, slot, request)) {
            request.requeueLater();
            return NOTHING;
        }
        if (!slot.serve(request, TagState.SERVED, shared)) {
            queue.abort(request);
            return NOTHING;
        }
        if (isUserCopy) {
            slot.openReferences();
        }
        return IoResult.UBLK_IO_RES_OK;
    }

    private long match(BlockRequest request) {
        Bio data = request.data();
        if (!data.framesKnown()) {
            counters.countFramesUnknown();
            return NOTHING;
        }
        Segments segments = data.segments();
        int count = 0;
        long left = request.bytes();
        long skip = request.inSegment();
        for (int index = request.segment(); left > 0; index++) {
            if (count == frames.length) {
                grow();
            }
            long start = segments.offset(index) + skip;
            frames[count] = segments.frame(index) + (start >>> Pages.SHIFT);
            offsets[count] = (int) (start & (Pages.SIZE - 1));
            lengths[count] = (int) Math.min(left, segments.length(index) - skip);
            left -= lengths[count];
            skip = 0;
            count++;
        }
        long match =
                RequestMatcher.match(buffers, request.isWrite(), frames, offsets, lengths, count);
        if (match >= 0) {
            counters.countHit(request.bytes());
        } else {
            counters.countMiss(match);
        }
        return match;
    }

    private void grow() {
        frames = Arrays.copyOf(frames, 2 * frames.length);
        offsets = Arrays.copyOf(offsets, frames.length);
        lengths = Arrays.copyOf(lengths, frames.length);
    }

    /** Copies a write's data; answers whether there was room for any. */
    private boolean provide(UblkQueue queue, IoSlot slot, BlockRequest request) {
        long copied = RequestCopy.toServer(request, slot.address(), checked);
        counters.countCopy(copied);
        if (copied != request.bytes()) {
            IoDescLayout.nrSectors(
                    queue.descriptors(),
                    (long) slot.tag() * descriptorBytes,
                    (int) Sectors.ofBytes(copied));
        }
        return copied != 0;
    }

    /**
     * Copies the data of a write into the buffer that the server has just named.
     *
     * @return the result of the command, or {@link #NOTHING} when the request goes again
     */
    int provideInto(UblkQueue queue, IoSlot slot) {
        BlockRequest request = slot.request();
        if (slot.isShared()) {
            // The kernel would put the buffer's address into the descriptor and leave the flag, so
            // that the server finds data where nobody has copied any. Here index and offset stay.
            return IoResult.UBLK_IO_RES_OK;
        }
        IoDescLayout.addr(queue.descriptors(), (long) slot.tag() * descriptorBytes, slot.address());
        if (provide(queue, slot, request)) {
            return IoResult.UBLK_IO_RES_OK;
        }
        slot.retake();
        request.requeueLater();
        return NOTHING;
    }

    /**
     * Answers the client of a request whose data is where it belongs.
     *
     * @param asksForTheRest whether the server gets the request again for what it has not done
     */
    static void completeWithoutCopy(
            IoSlot slot, BlockRequest request, int result, boolean asksForTheRest) {
        // A read that got nothing has failed.
        boolean isRead = request.isRead() && !request.isReport();
        int answer = result == 0 && isRead ? Errno.EIO.negated() : result;
        boolean isWrite = request.isWrite() && !request.isAppend();
        boolean mayGoOn = asksForTheRest && (isRead || isWrite) && !slot.isShared();
        if (answer >= 0 && answer < request.bytes() && mayGoOn) {
            request.advance(answer);
            request.requeue();
            return;
        }
        request.finish(answer < 0 ? BlockErrors.ofServer(answer) : 0);
    }

    /** Answers the client with what the server has committed. */
    void complete(IoSlot slot, BlockRequest request) {
        int result = slot.result();
        if (result <= 0 || !copies || !request.isRead() || slot.isShared()) {
            completeWithoutCopy(slot, request, result, asksForTheRest);
        } else {
            long copied = RequestCopy.fromServer(request, slot.address(), result, checked);
            counters.countCopy(copied);
            if (copied == 0) {
                request.finish(Errno.EIO.negated());
            } else if (copied < request.bytes()) {
                request.advance(copied);
                request.requeue();
            } else {
                request.finish(0);
            }
        }
    }
}
