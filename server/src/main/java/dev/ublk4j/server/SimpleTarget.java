package dev.ublk4j.server;

/**
 * A target with a method for each operation, which returns its result.
 *
 * {@snippet :
 * final class RamDisk implements SimpleTarget {
 *     private final MemorySegment disk = Arena.ofAuto().allocate(64 << 20);
 *
 *     public Geometry geometry() {
 *         return Geometry.ofSize(disk.byteSize());
 *     }
 *
 *     public int read(Request request) {
 *         return request.copyFrom(disk, request.offset());
 *     }
 *
 *     public int write(Request request) {
 *         return request.copyTo(disk, request.offset());
 *     }
 * }
 * }
 *
 * <p>Results mean what {@link TargetQueue#submit} says. A method that cannot finish at once returns
 * {@link Request#PENDING}, and {@link Queue#complete} ends the request later.
 *
 * <p>Every method with a {@link Request} runs on the thread of the request's queue. A device of
 * several queues calls its target from several threads at once.
 */
public interface SimpleTarget extends Target {
    /**
     * Reads {@link Request#length} bytes at {@link Request#offset} into the request's data.
     *
     * @return bytes read, {@link Request#PENDING}, or a negative errno
     */
    int read(Request request);

    /**
     * Writes the request's data, {@link Request#length} bytes, at {@link Request#offset}. With
     * {@link Request#forcesUnitAccess} the data must be durable before the request completes.
     *
     * @return bytes written, {@link Request#PENDING}, or a negative errno
     */
    int write(Request request);

    /**
     * Makes every write that has completed durable. Called for devices {@linkplain
     * Geometry#withVolatileCache with a volatile cache}.
     *
     * @return 0, {@link Request#PENDING}, or a negative errno
     */
    default int flush(Request request) {
        return 0;
    }

    @Override
    default TargetQueue open(Queue queue) {
        return new Handlers(this, queue);
    }

    /** The target of a device {@linkplain Geometry#withDiscard that discards}. */
    interface Discards {
        /**
         * Forgets a range, whose content may be anything afterwards.
         *
         * @return 0 for all of it, bytes forgotten, {@link Request#PENDING}, or a negative errno
         */
        int discard(Request request);
    }

    /** The target of a device {@linkplain Geometry#withWriteZeroes that writes zeroes}. */
    interface WritesZeroes {
        /**
         * Fills a range with zeroes; with {@link Request#keepsAllocation} its space stays
         * allocated.
         *
         * @return 0 for all of it, bytes zeroed, {@link Request#PENDING}, or a negative errno
         */
        int writeZeroes(Request request);
    }
}
