package dev.ublk4j.embedded.queue;

import dev.ublk4j.embedded.block.Bio;
import dev.ublk4j.embedded.block.BlockRequest;
import dev.ublk4j.embedded.block.Segments;
import dev.ublk4j.linux.Pages;
import dev.ublk4j.linux.internal.UserMemory;
import java.lang.foreign.MemorySegment;

/** Copies between the memory of a request's client and a buffer of the server. */
final class RequestCopy {
    /** All addresses: clients and servers name memory by address. */
    static final MemorySegment ALL = UserMemory.ALL;

    private RequestCopy() {}

    /**
     * Copies a write's data to the server's buffer.
     *
     * @param checked whether a bad address ends the copy instead of the process
     * @return bytes copied, fewer than the request has when the buffer ends before
     */
    static long toServer(BlockRequest request, long address, boolean checked) {
        return copy(request, 0, request.bytes(), ALL, address, true, checked);
    }

    /**
     * Copies a read's data from the server's buffer.
     *
     * @param bytes at most this many
     * @return bytes copied
     */
    static long fromServer(BlockRequest request, long address, long bytes, boolean checked) {
        return copy(request, 0, Math.min(bytes, request.bytes()), ALL, address, false, checked);
    }

    /** Copies data of a request from its byte {@code skip} on into a part of a buffer. */
    static long read(BlockRequest request, long skip, MemorySegment buffer, long at, long length) {
        long bytes = Math.min(length, request.bytes() - skip);
        return copy(request, skip, bytes, buffer, at, true, false);
    }

    /** Copies a part of a buffer over the data of a request from its byte {@code skip} on. */
    static long write(BlockRequest request, long skip, MemorySegment buffer, long at, long length) {
        long bytes = Math.min(length, request.bytes() - skip);
        return copy(request, skip, bytes, buffer, at, false, false);
    }

    /**
     * Copies between the integrity metadata of a request, from its byte {@code skip} on, and a part
     * of a buffer.
     *
     * @return bytes, 0 where the request comes without metadata
     */
    static long metadata(
            BlockRequest request,
            long skip,
            MemorySegment buffer,
            long at,
            long length,
            boolean toServer) {
        long bytes = Math.min(length, request.metadataLeft() - skip);
        if (bytes <= 0) {
            return 0;
        }
        long client = request.metadataAddress() + skip;
        if (toServer) {
            MemorySegment.copy(ALL, client, buffer, at, bytes);
        } else {
            MemorySegment.copy(buffer, at, ALL, client, bytes);
        }
        return bytes;
    }

    private static long copy(
            BlockRequest request,
            long skip,
            long bytes,
            MemorySegment other,
            long otherOffset,
            boolean toOther,
            boolean checked) {
        Bio data = request.data();
        Segments segments = data.segments();
        int index = request.segment();
        long inSegment = request.inSegment() + skip;
        while (index < segments.count() && inSegment >= segments.length(index)) {
            inSegment -= segments.length(index);
            index++;
        }
        long done = 0;
        while (done < bytes) {
            long some = Math.min(bytes - done, segments.length(index) - inSegment);
            long client = data.address(index) + inSegment;
            if (checked) {
                long copied = copyChecked(client, otherOffset + done, some, toOther);
                if (copied < some) {
                    return done + copied;
                }
            } else if (toOther) {
                MemorySegment.copy(ALL, client, other, otherOffset + done, some);
            } else {
                MemorySegment.copy(other, otherOffset + done, ALL, client, some);
            }
            done += some;
            inSegment = 0;
            index++;
        }
        return done;
    }

    /** Copies page by page of the server's buffer, up to the first that is not there. */
    private static long copyChecked(long client, long server, long bytes, boolean toServer) {
        long done = 0;
        while (done < bytes) {
            long toPageEnd = Pages.floor(server + done) + Pages.SIZE - (server + done);
            long some = Math.min(bytes - done, toPageEnd);
            MemorySegment own = ALL.asSlice(client + done, some);
            int answer =
                    toServer
                            ? UserMemory.write(server + done, own)
                            : UserMemory.read(server + done, own);
            if (answer < 0) {
                break;
            }
            done += some;
        }
        return done;
    }
}
