package dev.ublk4j.server;

/**
 * The bits that name a request, and the {@code user_data} made of them.
 *
 * <pre>
 *   63      60 59                       24 23                 0
 *  +----------+---------------------------+--------------------+
 *  |   kind   |        generation         |        tag         |
 *  +----------+---------------------------+--------------------+
 * </pre>
 *
 * <p>An id is the lower 60 bits. The generation counts the requests of a tag, so that at a million
 * requests per second and tag an id comes again after 19 hours. The tags below the queue's depth
 * are the driver's; those from there on name the requests that layers send.
 */
final class RequestId {
    /** A completion of an io command of the driver. */
    static final int KIND_COMMAND = 0;

    /** A completion of I/O that the target started for a request. */
    static final int KIND_BACKEND = 1;

    /** A completion of I/O of the queue's guest, whose value takes the place of the id. */
    static final int KIND_GUEST = 2;

    /** A completion of a command for many tags, whose value takes the place of the id. */
    static final int KIND_BATCH = 3;

    /** A completion of a command that registers the pages of a tag's request, or takes them out. */
    static final int KIND_PAGES = 4;

    private static final int TAG_BITS = 24;
    private static final int KIND_SHIFT = 60;
    private static final long GENERATION_MASK = (1L << (KIND_SHIFT - TAG_BITS)) - 1;
    private static final long ID_MASK = (1L << KIND_SHIFT) - 1;

    private static final long GUEST_MASK = (1L << KIND_SHIFT) - 1;

    /** How many requests a queue can have, those of its layers included. */
    static final int MAX_TAGS = 1 << TAG_BITS;

    private RequestId() {}

    static long of(int tag, long generation) {
        return (generation & GENERATION_MASK) << TAG_BITS | tag;
    }

    static int tag(long id) {
        return (int) id & MAX_TAGS - 1;
    }

    static long generation(long id) {
        return id >>> TAG_BITS & GENERATION_MASK;
    }

    static long nextGeneration(long generation) {
        return generation + 1 & GENERATION_MASK;
    }

    static long commandUserData(int tag) {
        return (long) KIND_COMMAND << KIND_SHIFT | tag;
    }

    static long batchUserData(int value) {
        return (long) KIND_BATCH << KIND_SHIFT | value;
    }

    static long pagesUserData(int tag) {
        return (long) KIND_PAGES << KIND_SHIFT | tag;
    }

    static long backendUserData(long id) {
        return (long) KIND_BACKEND << KIND_SHIFT | id;
    }

    static long guestUserData(long value) {
        assert value >>> KIND_SHIFT == 0 : value;
        return (long) KIND_GUEST << KIND_SHIFT | value;
    }

    static long guestValue(long userData) {
        return userData & GUEST_MASK;
    }

    static int kind(long userData) {
        return (int) (userData >>> KIND_SHIFT);
    }

    static long id(long userData) {
        return userData & ID_MASK;
    }
}
