package dev.ublk4j.conformance.lane;

import dev.ublk4j.embedded.ZoneChange;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** An open block device. Any thread. */
public interface ClientDisk extends AutoCloseable {
    /** Longer than any request takes that ends at all. */
    int PATIENCE_SECONDS = 240;

    /** {@return the size in bytes} */
    long size();

    /**
     * Starts an operation.
     *
     * @return bytes done, 0 for a flush, or a negative errno
     */
    CompletableFuture<Long> submit(Io io);

    /** {@return what an operation answers, once it has} */
    default long run(Io io) {
        return await(submit(io));
    }

    /** {@return what {@code pread(2)} answers} */
    long pread(MemorySegment memory, long position);

    /** {@return what {@code pwrite(2)} answers} */
    long pwrite(MemorySegment memory, long position);

    /**
     * {@return what a change of zones answers, such as {@code BLKRESETZONE}}
     *
     * @param change what becomes of them
     * @param position where the first begins
     * @param length of all of them
     */
    long changeZones(ZoneChange change, long position, long length);

    /**
     * {@return how many zones {@code BLKREPORTZONE} has read, or a negative errno}
     *
     * @param memory for an array of {@code struct blk_zone}
     */
    long reportZones(long position, MemorySegment memory);

    /**
     * {@return where a zone append has put its data, or a negative errno}
     *
     * @param position where the zone begins
     * @throws UnsupportedOperationException where no application can append
     */
    default long append(MemorySegment memory, long position) {
        throw new UnsupportedOperationException("Linux has no system call for zone appends");
    }

    /** Closes the device; requests under way still end. */
    @Override
    void close();

    /** {@return the answer, once it is there} */
    static long await(CompletableFuture<Long> answer) {
        try {
            return answer.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
        } catch (TimeoutException e) {
            throw new AssertionError("a request was never answered", e);
        } catch (ExecutionException e) {
            throw new AssertionError("a request could not be submitted", e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted while a request was under way", e);
        }
    }
}
