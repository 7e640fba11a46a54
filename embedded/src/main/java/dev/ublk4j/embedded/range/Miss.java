package dev.ublk4j.embedded.range;

/** Why a request does not lie in one registered buffer, and so has to be copied. */
public enum Miss {
    /** The request has no data. */
    NO_DATA(-1),
    /** A segment's first page belongs to no buffer. */
    NOT_REGISTERED(-2),
    /** A segment begins in one range and ends outside of it, be it in the range that adjoins. */
    CROSSES_RANGE(-3),
    /** The buffer was registered to be read only, and the request is not a WRITE. */
    READ_ONLY(-4),
    /** A segment lies in another buffer than the one before it. */
    OTHER_BUFFER(-5),
    /** A segment does not begin in the buffer where the one before it ended. */
    NOT_CONTIGUOUS(-6);

    private final long answer;

    Miss(long answer) {
        this.answer = answer;
    }

    /** {@return the answer of {@link RequestMatcher#match} that stands for this} */
    long answer() {
        return answer;
    }

    /**
     * {@return the reason in a negative answer of {@link RequestMatcher#match}}
     *
     * @throws IllegalArgumentException if the answer is a hit
     */
    public static Miss of(long answer) {
        for (Miss miss : values()) {
            if (miss.answer == answer) {
                return miss;
            }
        }
        throw new IllegalArgumentException("answer=" + answer);
    }
}
