package dev.ublk4j.uring;

/**
 * What a ring is to look like.
 *
 * <p>{@code sqe128} is a demand. The other switches only make a ring faster: {@link Ring#open}
 * drops those that the running kernel does not know, and {@link Ring#setupFlags} says which it
 * kept.
 *
 * @param entries submissions that fit, 1 to 32768; rounded up to a power of two
 * @param completionEntries completions that fit, at least {@code entries} and at most 65536; 0 for
 *     twice {@code entries}
 * @param sqe128 whether submission entries are 128 bytes with 80 bytes of command area, instead of
 *     64 with 16
 * @param singleIssuer whether one thread alone uses the ring, the one that opens it
 * @param deferTaskrun whether completions are produced only while that thread waits; needs {@code
 *     singleIssuer}
 * @param taskrunFlag whether the kernel says in the ring that a call would produce completions, for
 *     {@link Ring#needsEnter}
 */
public record RingOptions(
        int entries,
        int completionEntries,
        boolean sqe128,
        boolean singleIssuer,
        boolean deferTaskrun,
        boolean taskrunFlag) {
    private static final int MAX_ENTRIES = 32768;

    /** Checks the ranges. */
    public RingOptions {
        if (entries < 1 || entries > MAX_ENTRIES) {
            throw new IllegalArgumentException("entries: " + entries);
        }
        if (completionEntries != 0
                && (completionEntries < entries || completionEntries > 2 * MAX_ENTRIES)) {
            throw new IllegalArgumentException("completionEntries: " + completionEntries);
        }
        if (deferTaskrun && !singleIssuer) {
            throw new IllegalArgumentException("deferTaskrun needs singleIssuer");
        }
    }

    /** {@return 128 entries of 64 bytes, 256 completions, one issuer with deferred task work} */
    public static RingOptions defaults() {
        return new RingOptions(128, 0, false, true, true, false);
    }

    /** {@return these options with another number of submissions} */
    public RingOptions withEntries(int newEntries) {
        return new RingOptions(
                newEntries, completionEntries, sqe128, singleIssuer, deferTaskrun, taskrunFlag);
    }

    /** {@return these options with another number of completions; 0 for twice the submissions} */
    public RingOptions withCompletionEntries(int newCompletionEntries) {
        return new RingOptions(
                entries, newCompletionEntries, sqe128, singleIssuer, deferTaskrun, taskrunFlag);
    }

    /** {@return these options with or without 128-byte entries} */
    public RingOptions withSqe128(boolean newSqe128) {
        return new RingOptions(
                entries, completionEntries, newSqe128, singleIssuer, deferTaskrun, taskrunFlag);
    }

    /** {@return these options for one thread alone or, then without deferred task work, for any} */
    public RingOptions withSingleIssuer(boolean newSingleIssuer) {
        return new RingOptions(
                entries,
                completionEntries,
                sqe128,
                newSingleIssuer,
                newSingleIssuer && deferTaskrun,
                taskrunFlag);
    }

    /** {@return these options with or without deferred task work} */
    public RingOptions withDeferTaskrun(boolean newDeferTaskrun) {
        return new RingOptions(
                entries, completionEntries, sqe128, singleIssuer, newDeferTaskrun, taskrunFlag);
    }

    /** {@return these options with or without the flag that {@link Ring#needsEnter} reads} */
    public RingOptions withTaskrunFlag(boolean newTaskrunFlag) {
        return new RingOptions(
                entries, completionEntries, sqe128, singleIssuer, deferTaskrun, newTaskrunFlag);
    }
}
