package dev.ublk4j.conformance.fuzz;

/** How the frames of memory lie, and what of two drivers is alike over them. */
enum Frames {
    /** Anyhow: nothing is compared. */
    ANY(true, true),

    /** Scattered for the kernel, which counts more segments than who numbers the pages of files. */
    SCATTERED(false, true),

    /**
     * Consecutive for both drivers. The kernel's looks up a cut request where the data of the whole
     * begins, the other by itself.
     */
    CONSECUTIVE(true, false);

    private final boolean limitsSegments;
    private final boolean registersBuffers;

    Frames(boolean limitsSegments, boolean registersBuffers) {
        this.limitsSegments = limitsSegments;
        this.registersBuffers = registersBuffers;
    }

    /** {@return whether devices limit the segments of a request} */
    boolean limitsSegments() {
        return limitsSegments;
    }

    /** {@return whether buffers are registered} */
    boolean registersBuffers() {
        return registersBuffers;
    }
}
