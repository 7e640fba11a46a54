package dev.ublk4j.nbd;

/**
 * Watches one who has begun something: whether it goes on between looks, which come at even
 * intervals.
 */
final class Progress {
    /** So many looks one after the other find no progress: the time between the first and them. */
    static final int LOOKS = 4;

    private long seen = -1;
    private int looks;

    /**
     * Looks.
     *
     * @param begun whether there is something that has to go on
     * @param milestones how many have been passed
     * @return whether it has not gone on for {@link #LOOKS} intervals
     */
    boolean isMissing(boolean begun, long milestones) {
        looks = begun && milestones == seen ? looks + 1 : 0;
        seen = milestones;
        return looks >= LOOKS;
    }
}
