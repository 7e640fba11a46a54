package dev.ublk4j.crash;

/**
 * What a search has covered.
 *
 * @param images different images that were checked
 * @param outcomes outcomes of a power cut that were looked at; many leave the same image
 * @param instants after how many instants the power was cut
 * @param isExhausted whether the search ended because nothing new was found any more, not for its
 *     limits
 */
public record CrashReport(long images, long outcomes, int instants, boolean isExhausted) {
    @Override
    public String toString() {
        return "%d images of %d outcomes after %d instants%s"
                .formatted(images, outcomes, instants, isExhausted ? ", all that were found" : "");
    }
}
