package dev.ublk4j.server;

/**
 * The bits that name a request, and the {@code user_data} made of them.
 *
 * <pre>
 *   63      60 59        52 51                    16 15        0
 *  +----------+------------+------------------------+-----------+
 *  |   kind   |    step    |       generation       |    tag    |
 *  +----------+------------+------------------------+-----------+
 * </pre>
 *
 * <p>An id is the lower 52 bits. The generation counts the requests of a tag, so that at a million
 * requests per second and tag an id comes again after 19 hours.
 */
final class RequestId {
    /** A completion of an io command of the driver. */
    static final int KIND_COMMAND = 0;

    /** A completion of I/O that the target started for a request. */
    static final int KIND_BACKEND = 1;

    /** A completion of I/O of the queue's guest, whose value takes the place of the id and step. */
    static final int KIND_GUEST = 2;

    private static final int TAG_BITS = 16;
    private static final int STEP_SHIFT = 52;
    private static final int KIND_SHIFT = 60;
    private static final long GENERATION_MASK = (1L << (STEP_SHIFT - TAG_BITS)) - 1;
    private static final long ID_MASK = (1L << STEP_SHIFT) - 1;

    private static final long GUEST_MASK = (1L << KIND_SHIFT) - 1;

    /** The largest step that a target may give. */
    static final int MAX_STEP = (1 << (KIND_SHIFT - STEP_SHIFT)) - 1;

    private RequestId() {}

    static long of(int tag, long generation) {
        return (generation & GENERATION_MASK) << TAG_BITS | tag;
    }

    static int tag(long id) {
        return (int) id & 0xffff;
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

    static long backendUserData(long id, int step) {
        return (long) KIND_BACKEND << KIND_SHIFT | (long) step << STEP_SHIFT | id;
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

    static int step(long userData) {
        return (int) (userData >>> STEP_SHIFT) & MAX_STEP;
    }

    static long id(long userData) {
        return userData & ID_MASK;
    }
}
