package dev.ublk4j.server;

import dev.ublk4j.uapi.Feature;
import java.util.Arrays;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * How a device is served: who brings the data of its requests, and whether its io commands are sent
 * one for each tag or one for many.
 *
 * <p>A mode is a set of {@code UBLK_F_...} features. The driver keeps those with the device, so its
 * next server serves it in the same mode. Requests whose data lies in shared memory are not copied
 * in any mode.
 *
 * @param data who brings the data
 * @param batch whether one command completes many requests, and one brings many ({@code
 *     UBLK_F_BATCH_IO}, Linux 7.0)
 */
public record Mode(Data data, boolean batch) {
    private static final String BATCH = "batch";

    /** Who brings the data of a request that does not lie in shared memory. */
    public enum Data {
        /** The driver copies it to and from the tag's buffer. */
        COPY("copy", 0),

        /**
         * The same, but the data of a write is copied only when the server has named a buffer for
         * it ({@code UBLK_F_NEED_GET_DATA}).
         */
        GET_DATA("get-data", Feature.UBLK_F_NEED_GET_DATA),

        /**
         * The server copies it with {@code pread} and {@code pwrite} on the char device, straight
         * to where the target wants it ({@code UBLK_F_USER_COPY}).
         */
        USER_COPY("user-copy", Feature.UBLK_F_USER_COPY),

        /**
         * Nobody: the driver registers the application's pages with the queue's io_uring when the
         * request is fetched ({@code UBLK_F_AUTO_BUF_REG}), and leaves it to the server where it
         * cannot.
         */
        ZERO_COPY("zero-copy", Feature.UBLK_F_SUPPORT_ZERO_COPY | Feature.UBLK_F_AUTO_BUF_REG),

        /**
         * Nobody: the server registers the application's pages with the queue's io_uring by a
         * command for each request ({@code UBLK_F_SUPPORT_ZERO_COPY}).
         */
        MANUAL_ZERO_COPY("manual-zero-copy", Feature.UBLK_F_SUPPORT_ZERO_COPY);

        private final String word;
        private final long features;

        Data(String word, long features) {
            this.word = word;
            this.features = features;
        }

        /** {@return whether only io_uring reaches the data} */
        public boolean isRegistered() {
            return this == ZERO_COPY || this == MANUAL_ZERO_COPY;
        }

        /** {@return the word for it, such as {@code user-copy}} */
        @Override
        public String toString() {
            return word;
        }
    }

    /** Every feature that belongs to a mode. */
    static final long FEATURES =
            Feature.UBLK_F_NEED_GET_DATA
                    | Feature.UBLK_F_USER_COPY
                    | Feature.UBLK_F_SUPPORT_ZERO_COPY
                    | Feature.UBLK_F_AUTO_BUF_REG
                    | Feature.UBLK_F_BATCH_IO;

    /** Refuses what no driver has. */
    public Mode {
        if (batch && data == Data.GET_DATA) {
            throw new IllegalArgumentException("no driver has get-data in batches");
        }
    }

    /** {@return the mode of a device with such features} */
    public static Mode of(long features) {
        boolean batch = Feature.BATCH_IO.in(features);
        if (Feature.USER_COPY.in(features)) {
            return new Mode(Data.USER_COPY, batch);
        }
        if (Feature.AUTO_BUF_REG.in(features)) {
            return new Mode(Data.ZERO_COPY, batch);
        }
        if (Feature.SUPPORT_ZERO_COPY.in(features)) {
            return new Mode(Data.MANUAL_ZERO_COPY, batch);
        }
        boolean asks = Feature.NEED_GET_DATA.in(features) && !batch;
        return new Mode(asks ? Data.GET_DATA : Data.COPY, batch);
    }

    /**
     * {@return the mode of a text, such as {@code copy} or {@code user-copy,batch}}
     *
     * @throws IllegalArgumentException for any other, with those that there are
     */
    public static Mode parse(String text) {
        String[] words = text.split(",", -1);
        boolean batch = words.length == 2 && words[1].strip().equals(BATCH);
        if (words.length == 1 || batch) {
            for (Data data : Data.values()) {
                if (data.word.equals(words[0].strip())) {
                    return new Mode(data, batch);
                }
            }
        }
        throw new IllegalArgumentException(
                "no such mode: '%s'; there are %s, each but get-data also with ',%s'"
                        .formatted(
                                text,
                                Arrays.stream(Data.values())
                                        .map(Data::toString)
                                        .collect(Collectors.joining(", ")),
                                BATCH));
    }

    /** {@return the features that a driver is asked for} */
    public long features() {
        return data.features | (batch ? Feature.UBLK_F_BATCH_IO : 0);
    }

    /** {@return why a device with such features cannot be served from a target, or null} */
    static @Nullable String unfit(long features, Target target) {
        Data data = of(features).data;
        String needed = needed(features, target.geometry());
        if (needed != null && Feature.UNPRIVILEGED_DEV.in(features)) {
            return "a device with %s is served in the mode %s, in which an unprivileged one is not"
                    .formatted(needed, Data.USER_COPY);
        }
        if (needed != null && data != Data.USER_COPY) {
            return "a device with %s is served in the mode %s, and not in %s"
                    .formatted(needed, Data.USER_COPY, data);
        }
        if (data.isRegistered() && target.ability(LeavesData.class) == null) {
            return "the mode %s works only for targets that leave all data to io_uring, and this one looks at it"
                    .formatted(data);
        }
        boolean hasZones = target.geometry().zones() != null;
        if (Feature.ZONED.in(features) != hasZones) {
            return hasZones
                    ? "the target has zones, and the device is without " + Feature.ZONED
                    : "the device has zones (%s), and the target has none".formatted(Feature.ZONED);
        }
        if (hasZones && target.ability(Zoned.class) == null) {
            return "the target has zones by its geometry, and not the ability Zoned";
        }
        boolean hasMetadata = target.geometry().integrity() != null;
        if (Feature.INTEGRITY.in(features) != hasMetadata) {
            return hasMetadata
                    ? "the target has integrity metadata, and the device is without "
                            + Feature.INTEGRITY
                    : "the device has integrity metadata (%s), and the target keeps none"
                            .formatted(Feature.INTEGRITY);
        }
        return null;
    }

    /** {@return what a device and its target have that no driver has but in user copy, or null} */
    private static @Nullable String needed(long features, Geometry geometry) {
        if (Feature.ZONED.in(features) && geometry.zones() != null) {
            return "zones";
        }
        boolean hasMetadata = Feature.INTEGRITY.in(features) && geometry.integrity() != null;
        return hasMetadata ? "integrity metadata" : null;
    }

    /** {@return the text that {@link #parse} takes} */
    @Override
    public String toString() {
        return batch ? data + "," + BATCH : data.toString();
    }
}
