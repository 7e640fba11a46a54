package dev.ublk4j.qcow2;

import dev.ublk4j.linux.Errno;
import dev.ublk4j.server.Queue;
import dev.ublk4j.server.Request;
import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.concurrent.Semaphore;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;
import org.jspecify.annotations.Nullable;

/**
 * Reads compressed clusters, on threads that may wait for the file and compute. The last few stay
 * in memory, as who reads one reads on in it.
 */
final class Decompressor {
    private static final System.Logger LOG = System.getLogger(Decompressor.class.getName());

    private static final int AT_A_TIME = 4;
    private static final int KEPT_BYTES = 4 << 20;
    private static final int MOST_KEPT = 16;

    private final MetadataFile file;
    private final int clusterBits;
    private final Semaphore room = new Semaphore(AT_A_TIME);

    /** The latest first; guarded by itself. Nothing here writes such clusters, so they stay. */
    private final ArrayDeque<Cluster> kept = new ArrayDeque<>();

    private record Cluster(long entry, MemorySegment data) {}

    Decompressor(MetadataFile file, int clusterBits) {
        this.file = file;
        this.clusterBits = clusterBits;
    }

    /**
     * Fills a part that lies within one cluster, and ends it.
     *
     * @param entry of the cluster, which stays until the part has ended
     */
    void read(Queue queue, Request part, long entry) {
        MemorySegment known = kept(entry);
        long begin = part.offset() & ((1L << clusterBits) - 1);
        if (known != null) {
            part.complete(part.copyFrom(known, begin));
            return;
        }
        long id = part.id();
        Thread _ =
                Thread.ofVirtual()
                        .name(queue + "-inflate")
                        .start(() -> queue.complete(id, inflateInto(part, entry, begin)));
    }

    private int inflateInto(Request part, long entry, long begin) {
        room.acquireUninterruptibly();
        try {
            MemorySegment known = kept(entry);
            MemorySegment data = known == null ? inflate(entry) : known;
            if (known == null) {
                keep(new Cluster(entry, data));
            }
            return part.copyFrom(data, begin);
        } catch (DataFormatException e) {
            LOG.log(
                    Level.WARNING,
                    () ->
                            "%s: the compressed cluster at %d is damaged: %s"
                                    .formatted(
                                            file.path(),
                                            Layout.compressedOffset(entry, clusterBits),
                                            e.getMessage()));
            return Errno.EIO.negated();
        } catch (Throwable e) {
            LOG.log(Level.WARNING, file.path() + ": a compressed cluster cannot be read", e);
            return Errno.EIO.negated();
        } finally {
            room.release();
        }
    }

    private MemorySegment inflate(long entry) throws DataFormatException {
        byte[] plain = new byte[1 << clusterBits];
        try (Arena arena = Arena.ofConfined();
                Inflater inflater = new Inflater(true)) {
            MemorySegment bytes = arena.allocate(Layout.compressedBytes(entry, clusterBits));
            // The file may end before the last sector does.
            long read = file.read(bytes, Layout.compressedOffset(entry, clusterBits));
            inflater.setInput(bytes.asSlice(0, read).toArray(ValueLayout.JAVA_BYTE));
            int done = 0;
            while (done < plain.length) {
                int more = inflater.inflate(plain, done, plain.length - done);
                if (more == 0) {
                    throw new DataFormatException("it ends after %d bytes".formatted(done));
                }
                done += more;
            }
        }
        MemorySegment data = Arena.ofAuto().allocate(plain.length, Long.BYTES);
        data.copyFrom(MemorySegment.ofArray(plain));
        return data;
    }

    private @Nullable MemorySegment kept(long entry) {
        synchronized (kept) {
            for (Cluster each : kept) {
                if (each.entry == entry) {
                    return each.data;
                }
            }
            return null;
        }
    }

    private void keep(Cluster cluster) {
        synchronized (kept) {
            kept.addFirst(cluster);
            if (kept.size() > Math.clamp(KEPT_BYTES >>> clusterBits, 1, MOST_KEPT)) {
                kept.removeLast();
            }
        }
    }
}
